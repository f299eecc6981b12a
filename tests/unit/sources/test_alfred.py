"""ALFRED: which vintages are asked for and when, the heading that proves one, and when it was known."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import httpx
import polars as pl
import pytest

from sources.dataset import Request, Window
from sources.errors import Malformed, Rejected
from sources.providers.alfred import SERIES, VINTAGES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

URL = "https://alfred.stlouisfed.org/graph/alfredgraph.csv"


def provider(request: httpx.Request) -> httpx.Response:
    query = request.url.params
    heading = f"{query['id']}_{query['vintage_date'].replace('-', '')}"
    return httpx.Response(200, text=f"observation_date,{heading}\n{query['cosd']},1.25\n")


def asked_for(*moments: str) -> list[tuple[str, str]]:
    """Series and vintage of every request, over the windows that follow each other from one instant to the next."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.params["id"], request.url.params["vintage_date"]))
        return provider(request)

    for start, end in pairwise(moments):
        _, error = fetched(VINTAGES, answer, window=Window(at(start), at(end)), now=at(end))
        assert error is None
    return asked


def parse(content: str, *, series_id: str = "STLFSI4", vintage: str = "2024-07-04") -> list[tuple[object, ...]]:
    request = Request(URL, (("id", series_id), ("vintage_date", vintage)))
    return VINTAGES.conform(VINTAGES.parse(wire.body(VINTAGES.table, content=content, request=request))).rows()


def test_one_request_for_each_series_and_thursday_with_its_newest_days_only() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["user-agent"] == f"python-httpx/{httpx.__version__}"
        asked.append(dict(request.url.params))
        return provider(request)

    bodies, error = fetched(VINTAGES, answer, window=Window(at("2024-06-22"), at("2024-07-10")))
    assert error is None
    assert len(bodies) == 2 * len(SERIES)
    assert [query["id"] for query in asked] == [*SERIES, *SERIES]
    assert asked[0] == {"id": "STLFSI4", "vintage_date": "2024-06-27", "cosd": "2024-04-28", "coed": "2024-06-27"}
    assert {query["vintage_date"] for query in asked} == {"2024-06-27", "2024-07-04"}
    rows = pl.concat([VINTAGES.conform(VINTAGES.parse(body)) for body in bodies])
    assert rows.select(VINTAGES.key).is_unique().all()
    assert rows.height == 6


def test_a_vintage_is_asked_for_when_its_day_is_over_in_new_york() -> None:
    assert asked_for("2024-07-04", "2024-07-05 04:00") == []
    assert [vintage for _, vintage in asked_for("2024-07-04", "2024-07-05 04:01")] == ["2024-07-04"] * 3
    # In winter the day ends an hour later.
    assert asked_for("2024-01-11", "2024-01-12 05:00") == []
    assert len(asked_for("2024-01-11", "2024-01-12 05:01")) == 3


@pytest.mark.parametrize(
    "middle", ["2024-07-04", "2024-07-04 22:00", "2024-07-05 04:00", "2024-07-05 05:00", "2024-07-06"]
)
def test_windows_that_meet_ask_for_every_vintage_once(middle: str) -> None:
    asked = asked_for("2024-06-20", middle, "2024-07-13")
    assert len(asked) == len(set(asked))
    assert {vintage for _, vintage in asked} == {"2024-06-20", "2024-06-27", "2024-07-04", "2024-07-11"}


def test_the_windows_of_a_backfill_hold_every_thursday_once() -> None:
    first, end = VINTAGES.history, at("2026-02-01")
    vintages = []
    for window in Window(first, end).split(VINTAGES.chunk):
        bodies, error = fetched(VINTAGES, provider, window=window, now=end)
        assert error is None
        vintages += [body.request.param("vintage_date") for body in bodies if body.request.param("id") == "NFCI"]
    assert vintages == [f"{date(2024, 1, 4) + timedelta(weeks=week)}" for week in range(109)]
    assert vintages[-1] == "2026-01-29"


def test_a_window_without_a_thursday_asks_nothing() -> None:
    assert asked_for("2024-07-06", "2024-07-10") == []


def test_a_vintage_that_is_not_there_does_not_cost_the_others() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params["id"] == "NFCI":
            return httpx.Response(404, html="<html>not found</html>")
        return provider(request)

    bodies, error = fetched(VINTAGES, answer, window=Window(at("2024-07-01"), at("2024-07-10")))
    assert len(bodies) == 2
    assert isinstance(error, Rejected)
    assert "NFCI of 2024-07-04: " in str(error)


def test_both_names_of_the_date_column_read_and_a_dot_is_no_observation() -> None:
    for heading in ("observation_date", "DATE"):
        text = f"{heading},STLFSI4_20240704\n2024-06-21,.\n2024-06-24,\n2024-06-28,0.0\n"
        assert parse(text) == [("STLFSI4", date(2024, 6, 28), date(2024, 7, 4), 0.0)]
    assert parse("observation_date,STLFSI4_20240704\n") == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        # What the sister host answers: it ignores the vintage.
        ("observation_date,STLFSI4\n2024-06-28,-0.7935\n", "not known to be that vintage"),
        ("observation_date,STLFSI4_20240711\n2024-06-28,-0.7935\n", "not known to be that vintage"),
        ("date,STLFSI4_20240704\n2024-06-28,-0.7935\n", "expected the columns"),
        ("observation_date,STLFSI4_20240704\n2024-07-05,-0.7935\n", "holds days after it"),
        ("observation_date,STLFSI4_20240704\n2024-06-28,-0.79", "cut off"),
        ("observation_date,STLFSI4_20240704\n2024-6-28,-0.7935\n", "conversion"),
        ("PK\x03\x04 two frequencies", "is a zip"),
    ],
)
def test_what_is_not_that_vintage_is_malformed(content: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parse(content)


@pytest.mark.parametrize(
    ("vintage_on", "known_at"), [(date(2024, 7, 4), "2024-07-05 04:00"), (date(2024, 1, 11), "2024-01-12 05:00")]
)
def test_a_value_is_known_at_the_end_of_its_vintage_in_new_york(vintage_on: date, known_at: str) -> None:
    frame = pl.DataFrame(
        {"series_id": ["NFCI"], "observed_on": [date(2024, 1, 5)], "vintage_on": [vintage_on], "value": [-0.5]}
    )
    assert frame.select(VINTAGES.knowable_at()).item() == at(known_at)
