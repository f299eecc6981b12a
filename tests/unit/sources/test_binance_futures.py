"""Binance futures REST: forward paging, jitter, the location block, statistics of 30 days, snapshots."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.providers.binance_futures import (
    ACCOUNT_RATIOS,
    FUNDING_INFO,
    FUNDING_RATES,
    OPEN_INTEREST,
    PREMIUM_INDEX,
    TAKER_RATIOS,
    TOP_TRADER_ACCOUNT_RATIOS,
    TOP_TRADER_POSITION_RATIOS,
)
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = FUNDING_RATES.table
STATISTICS = (OPEN_INTEREST, ACCOUNT_RATIOS, TOP_TRADER_ACCOUNT_RATIOS, TOP_TRADER_POSITION_RATIOS, TAKER_RATIOS)
HOUR = timedelta(hours=1)
EIGHT_HOURS_MS = 8 * 3600 * 1000
BLOCK = {
    "code": 0,
    "msg": "Service unavailable from a restricted location according to 'b. Eligibility' in the terms of use.",
}


def settlement(symbol: str, moment_ms: int) -> dict[str, object]:
    return {"symbol": symbol, "fundingTime": moment_ms, "fundingRate": "0.0001", "markPrice": "1.5"}


def test_pages_go_forward_until_one_is_not_full() -> None:
    start_ms = int(at("2022-01-01").timestamp() * 1000)
    history = [start_ms + n * EIGHT_HOURS_MS + n % 48 for n in range(2300)]
    asked: list[tuple[str, int]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append((query["symbol"], int(query["startTime"])))
        due = [ms for ms in history if int(query["startTime"]) <= ms <= int(query["endTime"])]
        return httpx.Response(200, json=[settlement(query["symbol"], ms) for ms in due[: int(query["limit"])]])

    window = Window(at("2022-01-01"), at("2025-01-01"))
    bodies, error = fetched(FUNDING_RATES, provider, window=window)
    assert error is None
    assert [symbol for symbol, _ in asked] == ["BTCUSDT"] * 3 + ["ETHUSDT"] * 3
    settled = [moment for body in bodies[:3] for moment in FUNDING_RATES.parse(body)["settled_at"]]
    assert len(settled) == len(set(settled)) == 2300, "each settlement once, none lost between the pages"
    assert all(moment.second == moment.microsecond == 0 for moment in settled)


def test_a_full_last_page_is_followed_by_an_empty_one() -> None:
    start_ms = int(at("2024-01-01").timestamp() * 1000)

    def provider(request: httpx.Request) -> httpx.Response:
        first_ms = int(request.url.params["startTime"])
        rows = [settlement("BTCUSDT", start_ms + n * 60_000) for n in range(1000)] if first_ms == start_ms else []
        return httpx.Response(200, json=rows)

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-01-01"), at("2024-07-01")))
    assert error is None
    assert [FUNDING_RATES.parse(body).height for body in bodies] == [1000, 0, 1000, 0]


def test_a_provider_that_repeats_its_page_ends_in_an_error() -> None:
    start_ms = int(at("2024-01-01").timestamp() * 1000)
    rows = [settlement("BTCUSDT", start_ms + n * 60_000) for n in range(1000)]
    bodies, error = fetched(
        FUNDING_RATES, lambda _: httpx.Response(200, json=rows), window=Window(at("2024-01-01"), at("2024-07-01"))
    )
    assert isinstance(error, Malformed)
    assert "does not reach beyond" in str(error)
    assert len(bodies) == 4, "the second page of each symbol is kept as evidence, the third is not asked for"


def test_a_location_block_is_blocked_although_its_code_is_zero() -> None:
    bodies, error = fetched(FUNDING_RATES, lambda _: httpx.Response(451, json=BLOCK))
    assert bodies == []
    assert isinstance(error, Blocked)
    assert "451" in str(error)
    assert error.body is not None
    assert b"restricted location" in error.body.content


def test_a_ban_is_not_asked_again() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(418, headers={"Retry-After": "600"})

    _, error = fetched(FUNDING_RATES, provider)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 600
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"), [(400, -1121, Rejected), (200, -1121, Rejected), (200, -1003, RateLimited)]
)
def test_an_error_object_is_an_error(status: int, code: int, kind: type[Exception]) -> None:
    _, error = fetched(FUNDING_RATES, lambda _: httpx.Response(status, json={"code": code, "msg": "No such thing."}))
    assert isinstance(error, kind)
    assert "No such thing." in str(error)


def test_one_symbol_failing_does_not_cost_the_other() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["symbol"] == "BTCUSDT":
            return httpx.Response(200, html="<html>moved</html>")
        return httpx.Response(200, content=wire.stored(TABLE))

    bodies, error = fetched(FUNDING_RATES, provider)
    assert [body.request.param("symbol") for body in bodies] == ["BTCUSDT", "ETHUSDT"], "the odd page is evidence"
    assert isinstance(error, Malformed)
    assert "BTCUSDT: " in str(error)
    assert error.body is None, "it was handed on already"
    assert FUNDING_RATES.parse(bodies[1]).height == 3


def test_rows_without_a_mark_price_are_null_there() -> None:
    body = wire.body(TABLE, content='[{"symbol":"BTCUSDT","fundingTime":1720396800003,"fundingRate":"0.0001"}]')
    assert FUNDING_RATES.conform(FUNDING_RATES.parse(body)).row(0) == ("BTCUSDT", at("2024-07-08"), 0.0001, None)


def test_a_row_without_a_rate_is_malformed() -> None:
    body = wire.body(TABLE, content='[{"symbol":"BTCUSDT","fundingTime":1720396800003,"fundingRate":null}]')
    with pytest.raises(Malformed, match="funding_rate is blank"):
        FUNDING_RATES.parse(body)


def test_jitter_is_floored() -> None:
    assert FUNDING_RATES.parse(wire.body(TABLE))["settled_at"].to_list() == [
        at("2024-07-08"),
        at("2024-07-08 08:00"),
        at("2024-07-08 16:00"),
    ]


# Statistics of the last 30 days ---------------------------------------------------------------------------------------


class Statistics:
    """Plays `/futures/data`: hours of 30 days, a 400 for an older start, and the chosen end of what is too long."""

    def __init__(self, *, gives_newest: bool = False, shown: slice = slice(None)) -> None:
        self.gives_newest = gives_newest
        self.shown = shown
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        self.asked.append((request.url.path, query["symbol"]))
        assert query["period"] == "1h"
        start, end = (
            datetime.fromtimestamp(int(query[name]) / 1000, wire.NOW.tzinfo) for name in ("startTime", "endTime")
        )
        if start < wire.NOW - timedelta(days=30):
            return httpx.Response(400, json={"code": -1130, "msg": "parameter 'startTime' is invalid."})
        hours = [wire.NOW - n * HOUR for n in range(24 * 30, -1, -1)][self.shown]
        due = [moment for moment in hours if start <= moment <= end]
        limit = int(query["limit"])
        page = due[-limit:] if self.gives_newest else due[:limit]
        return httpx.Response(200, json=[statistics(query["symbol"], moment) for moment in page])


def statistics(symbol: str, moment: datetime) -> dict[str, object]:
    return {
        "symbol": symbol,
        "timestamp": str(int(moment.timestamp() * 1000)),
        "sumOpenInterest": "10.5",
        "sumOpenInterestValue": "600000.25",
        "longShortRatio": "1.5",
        "longAccount": "0.6",
        "shortAccount": "0.4",
        "buySellRatio": "0.9",
        "buyVol": "9.0",
        "sellVol": "10.0",
    }


def times(dataset: Dataset, bodies: list[wire.Body], symbol: str) -> list[datetime]:
    frames = [dataset.parse(body) for body in bodies if body.request.param("symbol") == symbol]
    return [moment for frame in frames for moment in frame[dataset.time_column]]


@pytest.mark.parametrize("dataset", STATISTICS, ids=lambda dataset: dataset.name)
@pytest.mark.parametrize("gives_newest", [False, True])
def test_thirty_days_are_two_pages_whichever_end_is_cut(dataset: Dataset, gives_newest: bool) -> None:
    provider = Statistics(gives_newest=gives_newest)
    bodies, error = fetched(dataset, provider, window=Window(at("2021-01-01"), wire.NOW))
    assert error is None, "the start is no older than what the provider has"
    assert [symbol for _, symbol in provider.asked] == ["BTCUSDT"] * 2 + ["ETHUSDT"] * 2
    for symbol in ("BTCUSDT", "ETHUSDT"):
        found = times(dataset, bodies, symbol)
        assert len(found) == len(set(found)) == 24 * 30 - 1, "each hour once, none lost between the pages"
        assert max(found) == wire.NOW - HOUR
        assert min(found) == wire.NOW - timedelta(days=30) + HOUR


@pytest.mark.parametrize("dataset", STATISTICS, ids=lambda dataset: dataset.name)
def test_a_window_the_provider_has_no_more_is_not_asked_for(dataset: Dataset) -> None:
    provider = Statistics()
    bodies, error = fetched(dataset, provider, window=Window(at("2024-01-01"), at("2024-06-01")))
    assert (bodies, error, provider.asked) == ([], None, [])
    assert dataset.can_be_empty


def test_a_gap_of_the_provider_costs_only_the_gap() -> None:
    provider = Statistics(shown=slice(600, None))
    bodies, error = fetched(OPEN_INTEREST, provider, window=Window(at("2024-06-15"), wire.NOW))
    assert error is None
    assert len(times(OPEN_INTEREST, bodies, "BTCUSDT")) == 120, "an empty page is not the end"


def test_a_start_the_provider_does_not_have_is_rejected_with_its_words() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"code": -1130, "msg": "parameter 'startTime' is invalid."})

    _, error = fetched(OPEN_INTEREST, provider)
    assert isinstance(error, Rejected)
    assert "-1130" in str(error)
    assert error.body is not None


@pytest.mark.parametrize("dataset", (*STATISTICS, FUNDING_INFO, PREMIUM_INDEX), ids=lambda dataset: dataset.name)
@pytest.mark.parametrize(("code", "kind"), [(-1121, Rejected), (-1003, RateLimited)])
def test_an_error_object_is_an_error_of_each_dataset(dataset: Dataset, code: int, kind: type[Exception]) -> None:
    answer = httpx.Response(200, json={"code": code, "msg": "No such thing."})
    bodies, error = fetched(dataset, lambda _: answer)
    assert isinstance(error, kind)
    assert bodies, "it is kept as evidence"
    with pytest.raises(kind):
        dataset.parse(bodies[0])


def test_the_hour_under_way_is_no_figure_of_taker_volume_yet() -> None:
    frame = TAKER_RATIOS.parse(wire.body(TAKER_RATIOS.table))
    assert frame["opened_at"].to_list() == [at("2024-07-10 09:00"), at("2024-07-10 10:00")]
    assert set(frame["symbol"]) == {"BTCUSDT"}, "rows do not say it, the request does"


def test_times_are_read_as_numbers_and_as_text() -> None:
    rows = '[{"symbol":"BTCUSDT","longShortRatio":"1.5","timestamp":%s}]'
    frames = [
        ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table, rows % time))
        for time in ("1720605600000", '"1720605600000"')
    ]
    assert frames[0].equals(frames[1])
    assert frames[0]["observed_at"].to_list() == [at("2024-07-10 10:00")]


def test_open_interest_keeps_coins_and_dollars_apart() -> None:
    row = OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)).row(0, named=True)
    assert (row["open_interest_coin"], row["open_interest_usd"]) == (81250.5, 4634000000.125)


# Snapshots ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [FUNDING_INFO, PREMIUM_INDEX], ids=lambda dataset: dataset.name)
def test_a_snapshot_is_asked_for_the_present_only(dataset: Dataset) -> None:
    content = wire.stored(dataset.table)
    past, error = fetched(
        dataset, lambda _: httpx.Response(200, content=content), window=Window(at("2024-07-01"), at("2024-07-10"))
    )
    assert (past, error) == ([], None)
    planned_before_it_was_asked = Window(at("2024-07-01"), wire.NOW - timedelta(seconds=40))
    now, error = fetched(dataset, lambda _: httpx.Response(200, content=content), window=planned_before_it_was_asked)
    assert error is None
    assert len(now) == (1 if dataset is FUNDING_INFO else 2)


def test_terms_are_stamped_with_when_they_were_asked() -> None:
    body = wire.body(FUNDING_INFO.table, retrieved_at=at("2024-07-10 12:00:42"))
    rows = FUNDING_INFO.parse(body)
    assert set(rows["observed_at"]) == {at("2024-07-10 12:00")}
    assert rows["interval_hours"].to_list() == [4, 8]
    assert rows["adjusted_at"].null_count() == 1, "not every row says it"


def test_the_premium_index_of_all_symbols_is_a_list() -> None:
    one = wire.stored(PREMIUM_INDEX.table).decode().strip()
    assert PREMIUM_INDEX.parse(wire.body(PREMIUM_INDEX.table, f"[{one},{one}]")).height == 2
    row = PREMIUM_INDEX.parse(wire.body(PREMIUM_INDEX.table)).row(0, named=True)
    assert row["observed_at"] == at("2024-07-10 11:59"), "by the vendor's clock"
    assert row["next_funding_at"] == at("2024-07-10 16:00")
