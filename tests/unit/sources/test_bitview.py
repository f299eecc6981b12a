"""Bitview: names that are looked up, values that come without days, units, the day that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from sources.dataset import Body, Request, Window
from sources.errors import Malformed, Rejected
from sources.providers.bitview import PROFITABILITY, SUPPLY
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

ROOT = "https://bitview.space/api/series"
NOT_FOUND = {"error": {"type": "not_found", "code": "series_not_found", "message": "'x' not found", "doc_url": "/api"}}
START = (date(2024, 7, 8) - date(2009, 1, 1)).days


def series(*values: float | None, start: int = START, **changes: object) -> dict[str, Any]:
    one = {"version": 1, "index": "day1", "type": "Bitcoin", "start": start, "end": start + len(values)}
    return {**one, "stamp": "2024-07-10T11:00:00Z", "data": list(values), **changes}


def body(*answer: dict[str, Any], names: str = "lth_supply,sth_supply", start: str = "2024-07-08") -> Body:
    params = (("series", names), ("index", "day1"), ("start", start), ("end", "2024-07-10"))
    return wire.body(SUPPLY.table, content=json.dumps(answer), request=Request(f"{ROOT}/bulk", params))


class Vendor:
    """Plays the vendor with series by name, each with what it is indexed by."""

    def __init__(self, known: dict[str, list[str]], bulk: Callable[[list[str]], object] | None = None) -> None:
        self.known = known
        self.bulk = bulk or (lambda names: [series(1.0, 2.0) for _ in names])
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix("/api/series/")
        query = dict(request.url.params)
        self.asked.append(name if not query else f"{name}?{query.get('series') or query.get('q')}")
        if name == "search":
            return httpx.Response(200, json=[known for known in self.known if known.endswith("_supply")])
        if name == "bulk":
            return httpx.Response(200, json=self.bulk(query["series"].split(",")))
        if name not in self.known:
            return httpx.Response(404, json=NOT_FOUND)
        return httpx.Response(200, json={"indexes": self.known[name], "type": "Bitcoin"})


def test_names_are_looked_up_before_values_are_asked_for_in_one_request() -> None:
    asked: list[httpx.URL] = []
    vendor = Vendor({"lth_supply": ["height", "day1"], "sth_supply": ["day1"]})

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return vendor(request)

    bodies, error = fetched(SUPPLY, provider, window=Window(at("2024-07-08"), at("2024-07-10")))
    assert error is None
    assert vendor.asked == ["lth_supply", "sth_supply", "bulk?lth_supply,sth_supply"]
    # The vendor's end is not included.
    assert dict(asked[-1].params) == {
        "series": "lth_supply,sth_supply",
        "index": "day1",
        "start": "2024-07-08",
        "end": "2024-07-10",
    }
    assert SUPPLY.conform(SUPPLY.parse(bodies[0])).rows() == [
        (date(2024, 7, 8), 1.0, 1.0),
        (date(2024, 7, 9), 2.0, 2.0),
    ]


def test_a_window_within_a_day_asks_for_that_day() -> None:
    vendor = Vendor({"lth_supply": ["day1"], "sth_supply": ["day1"]})
    bodies, _ = fetched(SUPPLY, vendor, window=Window(at("2024-07-08"), at("2024-07-08 13:00")))
    assert (bodies[0].request.param("start"), bodies[0].request.param("end")) == ("2024-07-08", "2024-07-09")


def test_a_series_under_its_older_name_is_found_and_read_into_the_same_column() -> None:
    names = ("sopr", "sth_sopr_24h", "realized_cap", "realized_price", "sth_realized_price")

    def bulk(asked: list[str]) -> object:
        assert asked == list(names)
        kinds = ("StoredF32", "StoredF32", "Dollars", "Dollars", "Dollars")
        return [series(10.0 + number, type=kind) for number, kind in enumerate(kinds)]

    window = Window(at("2024-07-08"), at("2024-07-09"))
    bodies, error = fetched(PROFITABILITY, Vendor({name: ["day1"] for name in names}, bulk), window=window)
    assert error is None
    assert PROFITABILITY.conform(PROFITABILITY.parse(bodies[0])).rows() == [
        (date(2024, 7, 8), 10.0, 11.0, 12.0, 13.0, 14.0)
    ]


@pytest.mark.parametrize("known", [{"long_term_supply": ["day1"]}, {"lth_supply": ["height"], "old_supply": ["day1"]}])
def test_a_series_that_is_gone_is_an_error_that_says_what_there_is(known: dict[str, list[str]]) -> None:
    bodies, error = fetched(SUPPLY, Vendor({**known, "sth_supply": ["day1"]}))
    assert bodies == []
    assert isinstance(error, Rejected)
    assert "no daily series lth_supply; a search for it finds " in str(error)
    assert all(name in str(error) for name in known)
    assert error.body is not None, "the answer of the search is kept"


def test_a_page_where_a_missing_series_is_expected_is_malformed() -> None:
    _, error = fetched(SUPPLY, lambda _: httpx.Response(404, json={"detail": "moved"}))
    assert isinstance(error, Malformed)


def test_a_description_that_does_not_say_the_index_is_malformed() -> None:
    _, error = fetched(SUPPLY, lambda _: httpx.Response(200, json={"type": "Bitcoin"}))
    assert isinstance(error, Malformed)
    assert "how it is indexed" in str(error)


def test_both_ways_of_counting_days_give_the_day_that_was_asked_for() -> None:
    older = (date(2024, 7, 8) - date(2009, 1, 9)).days + 1
    for start in (START, older):
        frame = SUPPLY.parse(body(series(1.0, start=start), series(2.0, start=start)))
        assert frame["day"].to_list() == [date(2024, 7, 8)]


def test_another_way_of_counting_days_is_malformed_and_no_shift_in_time() -> None:
    with pytest.raises(Malformed, match="counting of days"):
        SUPPLY.parse(body(series(1.0, start=START + 1), series(2.0, start=START + 1)))


def test_a_series_in_another_unit_is_malformed() -> None:
    with pytest.raises(Malformed, match="comes in Sats, not in Bitcoin"):
        SUPPLY.parse(body(series(1.4e15, type="Sats"), series(1.0)))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((series(1.0),), "1 series for the 2 asked for"),
        ((series(1.0), series(1.0, 2.0)), "not of one length"),
        ((series(1.0), series(1.0, end=START)), "1 values from"),
        ((series(1.0), series(1.0, data="1.0")), "no list of data"),
        ((series(1.0), series(1.0, stamp="noon")), "not an instant"),
        ((series(1.0), series(1.0, start=-3, end=-2)), "1 values from"),
    ],
)
def test_answers_that_do_not_fit_together_are_malformed(answer: tuple[dict[str, Any], ...], problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        SUPPLY.parse(body(*answer))


def test_a_series_nobody_asked_for_is_malformed() -> None:
    with pytest.raises(Malformed, match="none of the series"):
        SUPPLY.parse(body(series(1.0), series(1.0), names="lth_supply,lth_supply_sats"))


def test_a_request_without_its_first_day_cannot_be_read() -> None:
    with pytest.raises(Malformed, match="first day"):
        SUPPLY.parse(body(series(1.0), series(1.0), start="-30"))


def test_the_day_that_goes_on_is_left_out() -> None:
    frame = SUPPLY.parse(body(series(1.0, 2.0, 3.0), series(1.0, 2.0, 3.0)))
    assert frame["day"].to_list() == [date(2024, 7, 8), date(2024, 7, 9)]


def test_a_day_that_was_not_over_by_the_last_block_is_left_out() -> None:
    stuck = series(1.0, 2.0, stamp="2024-07-09T18:00:00Z")
    assert SUPPLY.parse(body(stuck, series(1.0, 2.0)))["day"].to_list() == [date(2024, 7, 8)]
    # Where the vendor does not say how far it is, the clock stands in for it.
    silent = {name: value for name, value in series(1.0, 2.0).items() if name != "stamp"}
    assert SUPPLY.parse(body(silent, silent)).height == 2


def test_a_value_that_is_not_there_is_null_and_a_day_without_any_is_no_row() -> None:
    frame = SUPPLY.conform(SUPPLY.parse(body(series(None, None), series(5.0, None))))
    assert frame.rows() == [(date(2024, 7, 8), None, 5.0)]


def test_an_answer_without_values_is_no_rows() -> None:
    empty = series(start=START + 300)
    assert SUPPLY.conform(SUPPLY.parse(body(empty, empty))).is_empty()


def test_an_error_in_the_body_is_a_rejection() -> None:
    with pytest.raises(Rejected, match="'x' not found"):
        SUPPLY.parse(wire.body(SUPPLY.table, content=json.dumps(NOT_FOUND)))


def test_an_error_of_the_bulk_request_is_a_rejection() -> None:
    problem = {"error": {"type": "invalid_request", "code": "weight_exceeded", "message": "Request is too heavy"}}
    vendor = Vendor({"lth_supply": ["day1"], "sth_supply": ["day1"]})

    def provider(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json=problem) if request.url.path.endswith("/bulk") else vendor(request)

    bodies, error = fetched(SUPPLY, provider)
    assert bodies == []
    assert isinstance(error, Rejected)
    assert "Request is too heavy" in str(error)
