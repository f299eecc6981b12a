"""Spot candles of Coinbase, Kraken and Bitstamp: spans, order of figures, the open hour, errors under any status."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pytest

from sources.dataset import Body, Dataset, Request, Window
from sources.errors import Malformed, NotRecorded, RateLimited, Rejected, SourceError, Unreachable
from sources.http import NotHeld
from sources.providers import bitstamp, coinbase, kraken_spot
from sources.providers.binance_vision import SPOT_KLINES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

COINBASE, KRAKEN, BITSTAMP = coinbase.SPOT_CANDLES, kraken_spot.SPOT_CANDLES, bitstamp.SPOT_CANDLES
ALL = pytest.mark.parametrize("dataset", [COINBASE, KRAKEN, BITSTAMP], ids=lambda dataset: dataset.provider.name)
LONG = Window(at("2024-05-01 00:30"), at("2024-06-20 07:00"))
"""1,206 hours and a half: more than one page anywhere."""

FIRST, LAST = at("2024-05-01 00:00"), at("2024-06-20 06:00")


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def hours(first_s: int, last_s: int, *, until: datetime) -> list[int]:
    """Starts of all hours between two instants, both included, that began by `until`."""
    first = -(-first_s // 3600) * 3600
    return [stamp for stamp in range(first, last_s + 1, 3600) if stamp <= seconds(until)]


def coinbase_candles(request: httpx.Request, now: datetime) -> httpx.Response:
    query = request.url.params
    first, last = (seconds(datetime.fromisoformat(query[name])) for name in ("start", "end"))
    stamps = hours(first, last, until=now)
    if len(stamps) > 300:
        return httpx.Response(400, json={"message": "Count of aggregations requested exceeds 300"})
    return httpx.Response(200, json=[[stamp, 9, 12, 10, 11, 1.5] for stamp in reversed(stamps)])


def kraken_candles(request: httpx.Request, now: datetime) -> httpx.Response:
    newest = seconds(now) // 3600 * 3600
    stamps = hours(newest - 719 * 3600, newest, until=now)
    rows = [[s, "10", "12", "9", "11", "10.5", "1.5", 7] for s in stamps if s > int(request.url.params["since"])]
    return httpx.Response(200, json={"error": [], "result": {"XXBTZUSD": rows, "last": newest - 3600}})


def bitstamp_candles(request: httpx.Request, now: datetime) -> httpx.Response:
    query = request.url.params
    stamps = hours(int(query["start"]), int(query["end"]), until=now)[-int(query["limit"]) :]
    rows = [
        {"timestamp": str(stamp), "open": "10", "high": "12", "low": "9", "close": "11", "volume": "1.5"}
        for stamp in stamps
    ]
    return httpx.Response(200, json={"data": {"ohlc": rows, "pair": "BTC/USD"}})


PLAYED = {"coinbase": coinbase_candles, "kraken_spot": kraken_candles, "bitstamp": bitstamp_candles}


def taken(dataset: Dataset, window: Window, now: datetime) -> tuple[pl.DataFrame, list[str]]:
    """All rows of a fetch from a venue without gaps, and the addresses that were asked."""
    asked: list[str] = []

    def venue(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return PLAYED[dataset.provider.name](request, now)

    bodies, error = fetched(dataset, venue, window=window, now=now)
    assert error is None
    frames = [dataset.conform(dataset.parse(body)) for body in bodies]
    return pl.concat([dataset.empty(), *frames]), asked


@pytest.mark.parametrize(("dataset", "pages"), [(COINBASE, 3 * 5), (BITSTAMP, 3 * 2)])
def test_a_long_window_comes_in_spans_nothing_twice_and_nothing_lost(dataset: Dataset, pages: int) -> None:
    rows, asked = taken(dataset, LONG, at("2024-07-01"))
    assert len(asked) == len(set(asked)) == pages
    for _, of_symbol in rows.group_by("symbol"):
        opened = of_symbol["opened_at"].sort()
        assert (opened.min(), opened.len()) == (FIRST, opened.n_unique())
        inside = opened.filter(opened < LONG.end)
        assert (inside.max(), inside.len()) == (LAST, (LAST - FIRST) // timedelta(hours=1) + 1)


@ALL
def test_the_four_prices_are_what_the_venue_calls_them(dataset: Dataset) -> None:
    rows, _ = taken(dataset, Window(at("2024-07-10"), at("2024-07-10 03:00")), at("2024-07-10 03:00"))
    names = ("open_price", "high_price", "low_price", "close_price", "volume_base")
    assert rows.select(names).unique().rows() == [(10.0, 12.0, 9.0, 11.0, 1.5)]


@ALL
def test_the_hour_that_goes_on_is_left_out(dataset: Dataset) -> None:
    now = at("2024-07-10 03:30")
    rows, _ = taken(dataset, Window(at("2024-07-10"), now), now)
    assert rows["opened_at"].max() == at("2024-07-10 02:00")
    on_the_hour = at("2024-07-10 04:00")
    rows, _ = taken(dataset, Window(at("2024-07-10"), on_the_hour), on_the_hour)
    assert rows["opened_at"].max() == at("2024-07-10 03:00")


@ALL
def test_candles_of_each_symbol_are_asked_for(dataset: Dataset) -> None:
    symbols = {"coinbase": coinbase, "kraken_spot": kraken_spot, "bitstamp": bitstamp}[dataset.provider.name].SYMBOLS
    rows, _ = taken(dataset, Window(at("2024-07-10"), at("2024-07-10 02:00")), at("2024-07-10 02:00"))
    assert rows["symbol"].unique(maintain_order=True).to_list() == list(symbols)


def test_three_venues_price_tether_in_dollars() -> None:
    assert "USDT-USD" in coinbase.SYMBOLS
    assert "USDTUSD" in kraken_spot.SYMBOLS
    assert "usdtusd" in bitstamp.SYMBOLS


def test_kraken_gives_thirty_days_and_is_not_asked_for_more() -> None:
    now = at("2024-07-10 12:20")
    rows, asked = taken(KRAKEN, Window(at("2021-01-01"), now), now)
    assert len(asked) == 4
    assert all(f"since={seconds(at('2024-06-10 13:00')) - 1}" in url for url in asked)
    assert rows.filter(pl.col("symbol") == "XBTUSD").height == 719, "720 less the open one"
    rows, asked = taken(KRAKEN, Window(at("2024-05-01"), at("2024-06-01")), now)
    assert (rows.height, asked) == (0, []), "an old month is not asked for"
    assert KRAKEN.can_be_empty


def test_the_hour_a_window_of_kraken_begins_in_is_there() -> None:
    now = at("2024-07-10 12:20")
    rows, _ = taken(KRAKEN, Window(at("2024-07-09 05:00"), now), now)
    assert rows["opened_at"].min() == at("2024-07-09 05:00")


@ALL
def test_one_symbol_failing_does_not_cost_the_others(dataset: Dataset) -> None:
    now = at("2024-07-10 02:00")

    def venue(request: httpx.Request) -> httpx.Response:
        if any(name in str(request.url) for name in ("USDT-USD", "USDTUSD", "usdtusd")):
            return httpx.Response(404, json={"message": "NotFound"})
        return PLAYED[dataset.provider.name](request, now)

    bodies, error = fetched(dataset, venue, window=Window(at("2024-07-10"), now), now=now)
    assert isinstance(error, Rejected)
    assert "usdt" in str(error).lower()
    assert len(bodies) == len(taken(dataset, Window(at("2024-07-10"), now), now)[1]) - 1


@ALL
def test_an_answer_without_candles_is_no_rows(dataset: Dataset) -> None:
    empty = {
        "coinbase": [],
        "kraken_spot": {"error": [], "result": {"USDTZUSD": [], "last": 1720569600}},
        "bitstamp": {"data": {"ohlc": [], "pair": "USDT/USD"}},
    }[dataset.provider.name]
    body = wire.body(dataset.table, content=json.dumps(empty))
    assert dataset.conform(dataset.parse(body)).is_empty()


def coinbase_body(*candles: object) -> Body:
    return wire.body(COINBASE.table, content=json.dumps(candles))


@pytest.mark.parametrize(
    "candle",
    [
        [1720602000, 57800, 58050, 57850, 59000, 1.0],
        [1720602000, 58050, 57800, 57850, 58000, 1.0],
        [1720602000, 57800, 58050, 57850, 58000],
        [1720602000000, 57800, 58050, 57850, 58000, 1.0],
        {"time": 1720602000},
        [1720602000, 7, 57800, 58050, 57850, 58000, 1.0],
    ],
)
def test_a_candle_of_coinbase_whose_figures_have_moved_is_malformed(candle: object) -> None:
    with pytest.raises(Malformed):
        COINBASE.parse(coinbase_body(candle))


def test_a_figure_appended_to_a_candle_is_a_novelty() -> None:
    frame = COINBASE.parse(coinbase_body([1720602000, 57800, 58050, 57850, 58000, 1.0, "new"]))
    assert COINBASE.novelties(frame) == ("column_7",)
    candle = [1720602000, "1", "1", "1", "1", "1", "5", 3, "new"]
    content = json.dumps({"error": [], "result": {"USDTZUSD": [candle], "last": 0}})
    assert KRAKEN.novelties(KRAKEN.parse(wire.body(KRAKEN.table, content=content))) == ("column_9",)


def test_candles_of_coinbase_before_the_start_are_candles() -> None:
    frame = COINBASE.parse(coinbase_body([1720512000, 1, 3, 2, 2, 1.0]))
    assert frame["opened_at"].to_list() == [at("2024-07-09 08:00")]


def test_an_hour_without_trades_is_a_row_at_kraken_and_bitstamp() -> None:
    content = json.dumps(
        {"error": [], "result": {"USDTZUSD": [[1720602000, "1", "1", "1", "1", "0", "0", 0]], "last": 0}}
    )
    rows = KRAKEN.conform(KRAKEN.parse(wire.body(KRAKEN.table, content=content)))
    assert rows.select("volume_base", "trade_count", "vwap_price").rows() == [(0.0, 0, 0.0)]
    assert BITSTAMP.parse(wire.body(BITSTAMP.table))["volume_base"].to_list() == [51000.25, 0.0]


def test_candles_of_bitstamp_of_another_time_than_asked_for_are_malformed() -> None:
    params = (("step", "3600"), ("limit", "1000"), ("start", "1720000000"), ("end", "1720500000"))
    other = Request("https://www.bitstamp.net/api/v2/ohlc/usdtusd/", params)
    with pytest.raises(Malformed, match="outside the span"):
        BITSTAMP.parse(wire.body(BITSTAMP.table, request=other))


ERRORS: list[tuple[Dataset, object, type[SourceError]]] = [
    (COINBASE, {"message": "Unsupported granularity"}, Rejected),
    (COINBASE, {"candles": []}, Malformed),
    (KRAKEN, {"error": ["EQuery:Unknown asset pair"]}, Rejected),
    (KRAKEN, {"error": ["EGeneral:Too many requests"]}, RateLimited),
    (KRAKEN, {"error": ["EAPI:Rate limit exceeded"]}, RateLimited),
    (KRAKEN, {"error": ["EService:Unavailable"]}, Unreachable),
    (KRAKEN, {"error": [], "result": {"last": 1}}, Malformed),
    (KRAKEN, {"error": [], "result": {"A": [], "B": [], "last": 1}}, Malformed),
    (KRAKEN, {"result": {}}, Malformed),
    (BITSTAMP, {"errors": [{"field": "step", "message": "Ensure this value is valid.", "code": "invalid"}]}, Rejected),
    (BITSTAMP, {"status": "error", "reason": "Invalid pair", "code": "400.1"}, Rejected),
    (BITSTAMP, {"error": "Sorry, no"}, Rejected),
    (BITSTAMP, {"data": {"pair": "USDT/USD"}}, Malformed),
]


@pytest.mark.parametrize(("dataset", "document", "kind"), ERRORS)
def test_an_error_under_status_200_is_told_by_its_kind(
    dataset: Dataset, document: object, kind: type[SourceError]
) -> None:
    with pytest.raises(kind) as caught:
        dataset.parse(wire.body(dataset.table, content=json.dumps(document)))
    assert type(caught.value) is kind
    assert caught.value.body is not None


@pytest.mark.parametrize(("dataset", "document", "kind"), ERRORS)
def test_an_error_met_while_fetching_is_kept_and_told(
    dataset: Dataset, document: object, kind: type[SourceError]
) -> None:
    now = at("2024-07-10 02:00")
    window = Window(at("2024-07-10"), now)
    bodies, error = fetched(dataset, lambda _: httpx.Response(200, json=document), window=window, now=now)
    assert type(error) is kind
    assert 1 <= len(bodies) <= 4, "the evidence is handed on, once a symbol"


def test_a_warning_of_kraken_is_no_error() -> None:
    document = json.loads(wire.stored(KRAKEN.table))
    document["error"] = ["WGeneral:Deprecated"]
    assert KRAKEN.parse(wire.body(KRAKEN.table, content=json.dumps(document))).height == 2


@pytest.mark.parametrize("dataset", [COINBASE, BITSTAMP])
def test_an_answer_to_another_address_is_malformed(dataset: Dataset) -> None:
    with pytest.raises(Malformed, match="does not name a"):
        dataset.parse(wire.body(dataset.table, request=Request("https://example.com/candles")))


@ALL
def test_what_was_not_recorded_is_said_for_each_symbol(dataset: Dataset) -> None:
    def nothing(request: httpx.Request) -> httpx.Response:
        raise NotHeld(f"no response for {request.url.path}")

    now = at("2024-07-10 02:00")
    bodies, error = fetched(dataset, nothing, window=Window(at("2024-07-10"), now), now=now)
    assert bodies == []
    assert isinstance(error, NotRecorded)
    assert "also failed" in str(error)


def columns_of(dataset: Dataset) -> dict[str, Any]:
    return {column.name: column.dtype for column in dataset.columns}


def test_what_means_the_same_is_called_the_same() -> None:
    shared = set(columns_of(COINBASE))
    assert shared <= set(columns_of(KRAKEN))
    assert shared <= set(columns_of(BITSTAMP))
    assert shared <= set(columns_of(SPOT_KLINES))
