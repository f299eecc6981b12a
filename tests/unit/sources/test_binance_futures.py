"""Binance futures REST: forward paging, jitter, the location block."""

from __future__ import annotations

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.providers.binance_futures import FUNDING_RATES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = FUNDING_RATES.table
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
