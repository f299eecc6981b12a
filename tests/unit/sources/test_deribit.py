"""Deribit: funding by spans of thirty days, book summaries with their two units."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.deribit import BOOK_SUMMARY, FUNDING_RATES
from tests.unit.sources import wire
from tests.unit.sources.wire import NOW, at, fetched

HOUR_MS = 3_600_000
BOTH = pytest.mark.parametrize("dataset", [FUNDING_RATES, BOOK_SUMMARY], ids=lambda dataset: dataset.name)


def test_spans_cover_the_window_and_fit_into_an_answer() -> None:
    asked: list[tuple[str, int, int]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        start, end = int(query["start_timestamp"]), int(query["end_timestamp"])
        asked.append((query["instrument_name"], start, end))
        stamps = range(-(-start // HOUR_MS) * HOUR_MS, end + 1, HOUR_MS)
        rows = [
            {"timestamp": ms, "index_price": 1.5, "prev_index_price": 1.5, "interest_8h": 1e-5, "interest_1h": 1e-6}
            for ms in stamps
        ]
        # An answer holds a month at most, its newest part.
        return httpx.Response(200, json={"jsonrpc": "2.0", "result": rows[-744:]})

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-01-01"), at("2024-04-01")))
    assert error is None
    assert [name for name, _, _ in asked] == ["BTC-PERPETUAL"] * 4 + ["ETH-PERPETUAL"] * 4
    frames = [FUNDING_RATES.parse(body) for body in bodies[:4]]
    settled = [moment for frame in frames for moment in frame["settled_at"]]
    assert len(settled) == len(set(settled)) == 91 * 24, "each hour once, none lost between the spans"


def test_the_rate_is_that_of_the_hour() -> None:
    first = FUNDING_RATES.parse(wire.body(FUNDING_RATES.table)).row(0)
    assert first == ("BTC-PERPETUAL", at("2024-07-10 10:00"), 1.0, -4.7e-7, -0.00009, 58000.5)


def test_open_interest_is_kept_apart_by_unit() -> None:
    rows = BOOK_SUMMARY.parse(wire.body(BOOK_SUMMARY.table)).rows(named=True)
    told = [(row["symbol"], row["kind"], row["open_interest_usd"], row["open_interest_coin"]) for row in rows]
    assert told == [
        ("BTC-PERPETUAL", "future", 750000000.0, None),
        ("BTC-27DEC24", "future", 120000000.0, None),
        ("BTC-27DEC24-70000-C", "option", None, 1250.5),
        ("BTC-27DEC24-20000-P", "option", None, 0.0),
    ]


@pytest.mark.parametrize(
    ("name", "quote", "kind", "unit"),
    [
        ("BTC_USDC-PERPETUAL", "USDC", "future", "open_interest_coin"),
        ("BTC_USDC-27DEC24-70000-C", "USDC", "option", "open_interest_coin"),
        ("BTC-PERPETUAL", "USD", "future", "open_interest_usd"),
    ],
)
def test_linear_contracts_count_coins(name: str, quote: str, kind: str, unit: str) -> None:
    document = json.loads(wire.stored(BOOK_SUMMARY.table))
    document["result"] = [{**document["result"][0], "instrument_name": name, "quote_currency": quote}]
    only = BOOK_SUMMARY.parse(wire.body(BOOK_SUMMARY.table, json.dumps(document))).row(0, named=True)
    assert (only["kind"], only[unit]) == (kind, 750000000.0)


def test_both_kinds_of_both_currencies_are_asked_for_now_only() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.params["currency"], request.url.params["kind"]))
        return httpx.Response(200, content=wire.stored(BOOK_SUMMARY.table))

    assert fetched(BOOK_SUMMARY, provider, window=Window(at("2024-05-01"), at("2024-06-01"))) == ([], None)
    assert asked == []
    bodies, error = fetched(BOOK_SUMMARY, provider)
    assert error is None and len(bodies) == 4
    assert asked == [("BTC", "future"), ("BTC", "option"), ("ETH", "future"), ("ETH", "option")]


def test_a_snapshot_is_of_the_minute_it_was_asked_for() -> None:
    body = wire.body(BOOK_SUMMARY.table, retrieved_at=NOW + timedelta(seconds=30))
    assert set(BOOK_SUMMARY.parse(body)["observed_at"]) == {NOW}


@pytest.mark.parametrize(("code", "kind"), [(10028, RateLimited), (-32602, Rejected)])
@BOTH
def test_an_error_is_an_error_whatever_its_status(dataset: Dataset, code: int, kind: type[Exception]) -> None:
    told = {"jsonrpc": "2.0", "error": {"code": code, "message": "no such thing"}}
    with pytest.raises(kind, match="no such thing"):
        dataset.parse(wire.body(dataset.table, json.dumps(told)))
    for status in (200, 400):
        bodies, error = fetched(dataset, lambda _, status=status: httpx.Response(status, json=told))  # type: ignore[misc]
        assert type(error) is kind
        assert bodies, "the answer is kept"


@BOTH
def test_no_rows_are_no_rows_and_no_result_is_malformed(dataset: Dataset) -> None:
    assert dataset.parse(wire.body(dataset.table, '{"result": []}')).is_empty()
    for content in ("{}", '{"result": {}}', "[]"):
        with pytest.raises(Malformed):
            dataset.parse(wire.body(dataset.table, content))
