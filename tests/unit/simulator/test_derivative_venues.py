"""The simulated derivative venues: their wire formats, limits and errors, and the one market they tell of."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sources.simulator import market
from sources.simulator.hourly import ORIGIN_S
from sources.simulator.state import hour_index
from sources.simulator.story import at
from tests.unit.simulator.simulated import client

GATE = "https://api.gateio.ws/api/v4/futures/usdt"
KRAKEN = "https://futures.kraken.com/api/charts/v1/analytics"
BITFINEX = "https://api-pub.bitfinex.com/v2"
BITMEX = "https://www.bitmex.com/api/v1/funding"
HYPERLIQUID = "https://api.hyperliquid.xyz/info"
DERIBIT = "https://www.deribit.com/api/v2/public"
CRASH = hour_index(at("2025-10-10 21:00"))


def stats(**params: object) -> list[dict[str, Any]]:
    query = {"contract": "BTC_USDT", "interval": "1h", **params}
    return client().get(f"{GATE}/contract_stats", params=query).json()  # type: ignore[no-any-return, arg-type]


def test_gate_answers_one_row_more_than_asked_for_oldest_first() -> None:
    start = ORIGIN_S + CRASH * 3600
    rows = stats(**{"from": start, "limit": 10})
    assert [row["time"] for row in rows] == [start + n * 3600 for n in range(11)]
    assert isinstance(rows[0]["last_funding_rate"], str) and isinstance(rows[0]["mark_price"], float)


def test_gate_liquidations_are_a_share_of_the_market_and_agree_in_all_units() -> None:
    (row, _) = stats(**{"from": ORIGIN_S + CRASH * 3600, "limit": 1})
    contract = client().get(f"{GATE}/contracts/BTC_USDT").json()
    size = float(contract["quanto_multiplier"])
    assert row["long_liq_amount"] == pytest.approx(row["long_liq_size"] * size)
    assert row["long_liq_usd"] == pytest.approx(row["long_liq_amount"] * row["mark_price"])
    assert row["open_interest_usd"] == pytest.approx(row["open_interest"] * size * row["mark_price"], rel=1e-6)
    whole = market.load().perpetuals["BTCUSDT"].long_liquidations_usd[CRASH]
    assert 0 < row["long_liq_usd"] < 0.1 * whole


def test_gate_newest_hour_is_under_way_and_knows_nothing_yet() -> None:
    ended, under_way = client(at("2025-11-05 09:30")).get(
        f"{GATE}/contract_stats",
        params={"contract": "BTC_USDT", "interval": "1h", "limit": "2"},
    ).json()  # fmt: skip
    assert under_way["time"] == at("2025-11-05 09:00").timestamp()
    assert under_way["mark_price"] == ended["mark_price"]


@pytest.mark.parametrize(
    ("params", "label"),
    [
        ({"contract": "NO_SUCH"}, "CONTRACT_NOT_FOUND"),
        ({"limit": 2001}, "INVALID_PARAM_VALUE"),
        ({"from": "x"}, "INVALID_PARAM_VALUE"),
        ({"interval": "7h"}, "INVALID_PARAM_VALUE"),
    ],
)
def test_gate_errors(params: dict[str, object], label: str) -> None:
    query = {"contract": "BTC_USDT", "interval": "1h", **params}
    response = client().get(f"{GATE}/contract_stats", params=query)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["label"]) == (400, label)


def analytics(kind: str, **params: object) -> dict[str, Any]:
    query = {"interval": 3600, "since": int(at("2025-10-10").timestamp()), **params}
    answer = client().get(f"{KRAKEN}/PF_XBTUSD/{kind}", params=query).json()  # type: ignore[arg-type]
    assert answer["errors"] == []
    return answer["result"]  # type: ignore[no-any-return]


def test_kraken_says_when_there_is_more() -> None:
    whole = analytics("liquidation-volume", since=0)
    assert whole["more"] is True and len(whole["timestamp"]) == len(whole["data"]) == 5_000
    assert whole["timestamp"][0] == at("2023-03-07").timestamp()
    assert analytics("liquidation-volume")["more"] is False


def test_kraken_book_empties_in_the_crash() -> None:
    start, end = int(at("2025-10-10 06:00").timestamp()), int(at("2025-10-10 23:59").timestamp())
    book = analytics("liquidity", since=start, to=end)["data"]["bid"]
    near = np.array(book["liquidity_10"], dtype=float)
    assert near[21 - 6] < 0.5 * near[0]
    bands = [np.array(series, dtype=float) for series in book.values()]
    assert all((inner <= outer).all() for inner, outer in pairwise(bands)), "cumulative"
    fills = analytics("slippage", since=start, to=end)["data"]
    best = analytics("spreads", since=start, to=end)["data"]
    for n, price in enumerate(fills["ask"]["slippage_1m"]):
        assert price is None or float(price) > float(fills["ask"]["slippage_1k"][n]) >= float(
            best["ask"]["best_price"][n]
        )


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("PF_XBTUSD/liquidity", {"interval": "7", "since": "0"}, 400),
        ("PF_XBTUSD/liquidity", {"interval": "3600"}, 400),
        ("PF_NOSUCH/liquidity", {"interval": "3600", "since": "0"}, 404),
        ("PF_XBTUSD/magic", {"interval": "3600", "since": "0"}, 404),
    ],
)
def test_kraken_errors(path: str, params: dict[str, str], status: int) -> None:
    response = client().get(f"{KRAKEN}/{path}", params=params)
    assert response.status_code == status
    assert response.json()["errors"][0]["severity"] == "E"


def test_bitfinex_tells_a_liquidation_twice_and_newest_first_unless_asked() -> None:
    span = {"start": int(at("2025-10-10").timestamp() * 1000), "end": int(at("2025-10-11").timestamp() * 1000)}
    newest = client().get(f"{BITFINEX}/liquidations/hist", params={**span, "limit": 500}).json()
    oldest = client().get(f"{BITFINEX}/liquidations/hist", params={**span, "limit": 500, "sort": 1}).json()
    assert newest == oldest[::-1] and len(oldest) > 10
    assert {(row[8], row[11] is None) for (row,) in oldest} == {(0, True), (1, False)}
    assert len({row[1] for (row,) in oldest}) * 2 == len(oldest)
    amounts = [row[5] for (row,) in oldest]
    assert min(amounts) < 0 < max(amounts)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("liquidations/hist", {"limit": 501}),
        ("liquidations/hist", {"start": "x"}),
        ("stats1/pos.size:1m:tBTCUSD:long/hist", {"limit": 10_001}),
        ("stats1/pos.size:1m:tNOSUCH:long/hist", {}),
    ],
)
def test_bitfinex_errors(path: str, params: dict[str, object]) -> None:
    response = client().get(f"{BITFINEX}/{path}", params=params)  # type: ignore[arg-type]
    assert response.status_code == 500
    assert response.json()[:2] == ["error", 10020]


def test_bitmex_is_paged_and_limited() -> None:
    query = {"symbol": "XBTUSD", "startTime": "2025-10-01T00:00:00.000Z", "count": "4"}
    rows = client().get(BITMEX, params=query).json()
    assert [row["timestamp"] for row in rows] == [
        "2025-10-01T04:00:00.000Z",
        "2025-10-01T12:00:00.000Z",
        "2025-10-01T20:00:00.000Z",
        "2025-10-02T04:00:00.000Z",
    ]
    assert rows[0]["fundingRateDaily"] == pytest.approx(3 * rows[0]["fundingRate"], abs=1e-6)
    for change in ({"count": "501"}, {"startTime": "soon"}):
        response = client().get(BITMEX, params={**query, **change})
        assert (response.status_code, response.json()["error"]["name"]) == (400, "HTTPError")


def test_hyperliquid_gives_500_rows_and_an_eighth_of_the_rate_of_eight_hours() -> None:
    asked = {"type": "fundingHistory", "coin": "ETH", "startTime": int(at("2025-09-01").timestamp() * 1000)}
    rows = client().post(HYPERLIQUID, json=asked).json()
    assert len(rows) == 500
    assert rows[0]["time"] // 3_600_000 * 3600 == at("2025-09-01").timestamp()
    rate = market.load().perpetuals["ETHUSDT"].funding_rate[hour_index(at("2025-09-01")) // 8]
    assert float(rows[0]["fundingRate"]) == pytest.approx(rate / 8, abs=1e-10)


def test_hyperliquid_errors() -> None:
    unknown = client().post(HYPERLIQUID, json={"type": "fundingHistory", "coin": "NOPE", "startTime": 0})
    assert (unknown.status_code, unknown.json()) == (500, None)
    for asked in ({}, {"type": "nope"}, {"type": "fundingHistory", "coin": "BTC"}):
        assert client().post(HYPERLIQUID, json=asked).status_code == 422


def test_deribit_books_have_their_units_and_a_smile() -> None:
    def summary(kind: str) -> list[dict[str, Any]]:
        answer = client().get(f"{DERIBIT}/get_book_summary_by_currency", params={"currency": "BTC", "kind": kind})
        return answer.json()["result"]  # type: ignore[no-any-return]

    futures, options = summary("future"), summary("option")
    assert {row["quote_currency"] for row in futures} == {"USD"}
    assert {row["quote_currency"] for row in options} == {"BTC"}
    assert futures[0]["open_interest"] > 1e6 > sum(row["open_interest"] for row in options)
    assert ["current_funding" in row for row in futures] == [True, *[False] * 6]
    assert summary("spot") == []
    # A call less a put is the distance of the future from the strike.
    by_name = {row["instrument_name"]: row for row in options}
    for name, call in by_name.items():
        if name.endswith("-C"):
            put, strike = by_name[f"{name[:-1]}P"], float(name.split("-")[2])
            parity = 1.0 - strike / call["underlying_price"]
            assert call["mark_price"] - put["mark_price"] == pytest.approx(parity, abs=2e-4)


@pytest.mark.parametrize(
    ("method", "params", "param"),
    [
        ("get_funding_rate_history", {"instrument_name": "DOGE-PERPETUAL"}, "instrument_name"),
        ("get_funding_rate_history", {"instrument_name": "BTC-PERPETUAL"}, "start_timestamp"),
        ("get_book_summary_by_currency", {"currency": "DOGE"}, "currency"),
        ("get_book_summary_by_currency", {"currency": "BTC", "kind": "warrant"}, "kind"),
    ],
)
def test_deribit_errors(method: str, params: dict[str, str], param: str) -> None:
    response = client().get(f"{DERIBIT}/{method}", params=params)
    assert (response.status_code, response.json()["error"]["data"]["param"]) == (400, param)


def test_deribit_funding_holds_a_month_at_most() -> None:
    query = {"instrument_name": "BTC-PERPETUAL", "start_timestamp": 0, "end_timestamp": 2_000_000_000_000}
    rows = client().get(f"{DERIBIT}/get_funding_rate_history", params=query).json()["result"]  # type: ignore[arg-type]
    assert len(rows) == 744
    assert rows[-1]["timestamp"] == at("2025-12-06 01:00").timestamp() * 1000


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{host}/no/such/path" for host in ("api.gateio.ws", "futures.kraken.com", "www.bitmex.com")),
        *(f"https://{host}/no/such/path" for host in ("api-pub.bitfinex.com", "api.hyperliquid.xyz")),
    ],
)
def test_no_venue_knows_other_paths(url: str) -> None:
    assert client().get(url).status_code == 404
