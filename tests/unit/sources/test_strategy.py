"""Strategy's dashboard: figures without history, coins as text with commas, fields that come and go."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, Unreachable
from sources.providers.strategy import BITCOIN_KPIS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = BITCOIN_KPIS.table


def with_results(**changes: object) -> str:
    document: dict[str, Any] = json.loads(wire.stored(TABLE))
    document["results"] |= changes
    document["results"] = {name: value for name, value in document["results"].items() if value != "absent"}
    return json.dumps(document)


def test_one_answer_is_one_row_at_its_minute() -> None:
    body = wire.body(TABLE, retrieved_at=wire.NOW + timedelta(seconds=31))
    row = BITCOIN_KPIS.conform(BITCOIN_KPIS.parse(body)).row(0, named=True)
    assert (row["company"], row["observed_at"]) == ("MSTR", wire.NOW)
    assert row["holdings_btc"] == 201_500.0
    assert row["price_usd"] == 58_010.0
    assert row["debt_share_pct"] == 18.0
    assert row["priced_at"].replace(microsecond=0) == at("2024-07-10 11:58:01")


@pytest.mark.parametrize(
    ("text", "coins"), [("1,000", 1e3), ("1,201,500.5", 1_201_500.5), ("900", 900.0), (900, 900.0)]
)
def test_coins_read_with_and_without_commas(text: object, coins: float) -> None:
    body = wire.body(TABLE, content=with_results(btcHoldings=text))
    assert BITCOIN_KPIS.parse(body)["holdings_btc"].item() == coins


@pytest.mark.parametrize("text", ["1,00", "1,0000", ",100", "12%", "N/A", "", None, "absent", True, "1.000,5"])
def test_coins_that_are_no_number_are_malformed(text: object) -> None:
    with pytest.raises(Malformed):
        BITCOIN_KPIS.parse(wire.body(TABLE, content=with_results(btcHoldings=text)))


def test_fields_that_came_later_may_be_missing() -> None:
    body = wire.body(TABLE, content=with_results(mNav="absent", usdMonthsOfDividends="absent", msTimestamp=None))
    row = BITCOIN_KPIS.conform(BITCOIN_KPIS.parse(body)).row(0, named=True)
    assert (row["mnav_ratio"], row["dollar_cover_months"], row["priced_at"]) == (None, None, None)


def test_seconds_instead_of_milliseconds_are_malformed() -> None:
    with pytest.raises(Malformed, match="unit of time"):
        BITCOIN_KPIS.parse(wire.body(TABLE, content=with_results(msTimestamp=1720612681)))


def test_a_window_in_the_past_asks_nothing_and_one_that_waited_a_little_does() -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=wire.stored(TABLE))

    assert fetched(BITCOIN_KPIS, provider, window=Window(at("2024-05-01"), at("2024-06-01"))) == ([], None)
    assert asked == []
    bodies, error = fetched(BITCOIN_KPIS, provider, now=wire.WINDOW.end + timedelta(minutes=3))
    assert error is None
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(404, Rejected), (403, Blocked), (429, RateLimited), (500, Unreachable), (503, Unreachable)]
)
def test_errors(status: int, kind: type[Exception]) -> None:
    bodies, error = fetched(BITCOIN_KPIS, lambda _: httpx.Response(status, text="sorry"))
    assert bodies == []
    assert isinstance(error, kind)


@pytest.mark.parametrize("content", ["[]", "{}", '{"results":[]}', '{"results":{}}', '{"results":null}'])
def test_anything_else_is_malformed(content: str) -> None:
    with pytest.raises(Malformed):
        BITCOIN_KPIS.parse(wire.body(TABLE, content=content))
