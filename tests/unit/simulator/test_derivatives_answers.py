"""The simulated derivatives venues tell the same market: units, stamps, paging, documented refusals."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import unquote

import httpx
import numpy as np
import pytest

from sources.simulator import market
from sources.simulator.state import hour_index
from sources.simulator.story import at
from tests.unit.simulator.simulated import client

pytestmark = pytest.mark.unit

BINANCE = "https://fapi.binance.com"
BYBIT = "https://api.bybit.com/v5/market"
OKX = "https://www.okx.com/api/v5"
NOW = market.END_OF_MARKET
HOUR = timedelta(hours=1)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def get(url: str, now: datetime = NOW, **params: object) -> httpx.Response:
    return client(now).get(url, params=params)  # type: ignore[arg-type]


# Binance --------------------------------------------------------------------------------------------------------------


def statistics(path: str, **params: object) -> list[dict[str, str]]:
    query = {"symbol": "BTCUSDT", "period": "1h", "startTime": ms(at("2025-11-20")), "endTime": ms(NOW), "limit": 500}
    found: list[dict[str, str]] = get(f"{BINANCE}/futures/data/{path}", **{**query, **params}).json()
    return found


def test_binance_tells_over_rest_what_its_archive_has_at_the_same_instant() -> None:
    state, day = market.load(), at("2025-11-21")
    metrics = state.metrics("BTCUSDT", day.date())
    rows = {int(row["timestamp"]): row for row in statistics("openInterestHist")}
    for hour in (1, 12, 24):
        row = rows[ms(day + hour * HOUR)]
        assert float(row["sumOpenInterest"]) == pytest.approx(metrics["open_interest_coin"][12 * hour - 1])
        assert float(row["sumOpenInterestValue"]) == pytest.approx(metrics["open_interest_usd"][12 * hour - 1])
    for path, name in (
        ("globalLongShortAccountRatio", "account_ratio"),
        ("topLongShortAccountRatio", "top_account_ratio"),
        ("topLongShortPositionRatio", "top_position_ratio"),
    ):
        (row,) = [row for row in statistics(path) if int(row["timestamp"]) == ms(day + 5 * HOUR)]
        assert float(row["longShortRatio"]) == pytest.approx(metrics[name][59], abs=1e-4)


def test_binance_has_thirty_days_of_statistics() -> None:
    newest = statistics("openInterestHist", startTime=ms(NOW - timedelta(days=30)), limit=10)
    assert int(newest[0]["timestamp"]) == ms(NOW - timedelta(days=30)), "with a start the oldest come first"
    older = get(
        f"{BINANCE}/futures/data/openInterestHist",
        symbol="BTCUSDT",
        period="1h",
        startTime=ms(NOW - timedelta(days=31)),
    )
    assert (older.status_code, older.json()["code"]) == (400, -1130)
    plain = get(f"{BINANCE}/futures/data/openInterestHist", symbol="BTCUSDT", period="1h").json()
    assert len(plain) == 30
    assert plain[-1]["timestamp"] == ms(NOW)
    assert get(f"{BINANCE}/futures/data/openInterestHist", symbol="XYZ", period="1h").json()["code"] == -1121


def test_binance_takers_have_a_ratio_that_is_their_volumes() -> None:
    rows = statistics("takerlongshortRatio")
    assert all("symbol" not in row for row in rows)
    for row in rows:
        assert float(row["buyVol"]) / float(row["sellVol"]) == pytest.approx(float(row["buySellRatio"]), rel=1e-3)
    half_past = NOW - timedelta(minutes=30)
    (open_hour,) = get(
        f"{BINANCE}/futures/data/takerlongshortRatio", half_past, symbol="BTCUSDT", period="1h", limit=1
    ).json()
    assert open_hour["timestamp"] == ms(NOW - HOUR), "the hour under way is in the answer"
    before = {int(row["timestamp"]): row for row in rows}[ms(NOW - 2 * HOUR)]
    assert float(open_hour["buyVol"]) == pytest.approx(float(before["buyVol"]) / 2, rel=1e-3), "with half its volume"


def test_binance_premium_index_is_of_now_and_knows_the_coming_settlement() -> None:
    row = get(f"{BINANCE}/fapi/v1/premiumIndex", symbol="ETHUSDT").json()
    assert row["time"] == ms(NOW)
    assert row["nextFundingTime"] == ms(at("2025-12-06 08:00"))
    assert float(row["markPrice"]) == pytest.approx(float(row["indexPrice"]), rel=0.02)
    settled = get(f"{BINANCE}/fapi/v1/fundingRate", symbol="ETHUSDT", limit=1).json()
    assert row["lastFundingRate"] == settled[0]["fundingRate"]


# Bybit ----------------------------------------------------------------------------------------------------------------


def test_bybit_pages_by_an_encoded_cursor_from_the_newest_row_on() -> None:
    query = {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h", "limit": 10}
    span = {"startTime": ms(NOW - 24 * HOUR), "endTime": ms(NOW)}
    stamps: list[int] = []
    cursor = ""
    while True:
        result = get(f"{BYBIT}/open-interest", **query, **span, **({"cursor": cursor} if cursor else {})).json()[
            "result"
        ]
        stamps += [int(row["timestamp"]) for row in result["list"]]
        if not result["nextPageCursor"]:
            break
        assert "%3D" in result["nextPageCursor"]
        cursor = unquote(result["nextPageCursor"])
    assert stamps == [ms(NOW - n * HOUR) for n in range(25)]


def test_bybit_counts_both_sides_and_from_2025_on_one_as_well() -> None:
    query = {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h"}
    last, *_ = get(f"{BYBIT}/open-interest", **query).json()["result"]["list"]
    assert float(last["singleOpenInterest"]) * 2 == pytest.approx(float(last["openInterest"]), rel=1e-6)
    held = market.load().perpetuals["BTCUSDT"].open_interest_coin[hour_index(NOW) - 1]
    assert float(last["singleOpenInterest"]) < held
    old, *_ = get(f"{BYBIT}/open-interest", at("2024-06-01"), **query).json()["result"]["list"]
    assert "singleOpenInterest" not in old


@pytest.mark.parametrize(
    "params",
    [{"symbol": "XYZ"}, {"category": "spot"}, {"startTime": "1"}, {"startTime": "yesterday"}],
)
def test_bybit_refuses_under_200(params: dict[str, str]) -> None:
    answer = get(f"{BYBIT}/funding/history", **{"category": "linear", "symbol": "BTCUSDT", **params})
    assert (answer.status_code, answer.json()["retCode"]) == (200, 10001)


# OKX ------------------------------------------------------------------------------------------------------------------


def test_okx_writes_open_interest_in_three_units() -> None:
    (row,) = get(f"{OKX}/public/open-interest", instType="SWAP", instId="ETH-USDT-SWAP").json()["data"]
    assert float(row["oi"]) * 0.1 == pytest.approx(float(row["oiCcy"]), rel=1e-4)
    price = market.load().perpetuals["ETHUSDT"].close[hour_index(NOW) - 1]
    assert float(row["oiUsd"]) / float(row["oiCcy"]) == pytest.approx(price, rel=1e-4)


def liquidations(now: datetime = NOW, **params: object) -> list[dict[str, str]]:
    query = {"instType": "SWAP", "instFamily": "BTC-USDT", "state": "filled"}
    data = get(f"{OKX}/public/liquidation-orders", now, **{**query, **params}).json()["data"]
    return [detail for contract in data for detail in contract["details"]]


def test_okx_liquidations_are_a_part_of_those_of_the_market() -> None:
    first = liquidations()
    assert len(first) == 100
    rest = liquidations(after=first[-1]["ts"])
    stamps = [int(one["ts"]) for one in (*first, *rest)]
    assert stamps == sorted(stamps, reverse=True)
    assert min(stamps) >= ms(NOW - timedelta(hours=24))
    assert max(stamps) <= ms(NOW)
    hour = hour_index(at("2025-12-05 20:00"))
    longs = [
        float(one["sz"]) * 0.01 * float(one["bkPx"]) / 0.995
        for one in (*first, *rest)
        if one["posSide"] == "long" and hour_index(datetime.fromtimestamp(int(one["ts"]) / 1000, NOW.tzinfo)) == hour
    ]
    whole = market.load().perpetuals["BTCUSDT"].long_liquidations_usd[hour]
    assert np.sum(longs) == pytest.approx(whole * 0.12, rel=0.02)


def test_okx_tells_no_liquidation_before_it_happens() -> None:
    moment = at("2025-12-05 20:30")
    assert max(int(one["ts"]) for one in liquidations(moment)) <= ms(moment)


def test_okx_wants_a_family_for_liquidations() -> None:
    answer = get(f"{OKX}/public/liquidation-orders", instType="SWAP", state="filled")
    assert (answer.status_code, answer.json()["code"]) == (400, "50015")


def test_okx_does_not_know_other_instruments() -> None:
    answer = get(f"{OKX}/public/funding-rate-history", instId="XYZ-USDT-SWAP")
    assert (answer.status_code, answer.json()["code"]) == (200, "51001")


def test_okx_has_three_months_of_settlements() -> None:
    rows = get(f"{OKX}/public/funding-rate-history", instId="BTC-USDT-SWAP", limit=400).json()["data"]
    assert int(rows[-1]["fundingTime"]) >= ms(NOW - timedelta(days=92))
    assert len(rows) == 92 * 3
    assert rows[0]["realizedRate"] != rows[0]["fundingRate"]
