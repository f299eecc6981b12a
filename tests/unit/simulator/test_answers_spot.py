"""The simulated Coinbase, Kraken and Bitstamp answer as the real ones do and tell one and the same market."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from sources.dataset import Window
from sources.market import open_market
from sources.registry import DATASETS
from sources.simulator import market
from sources.simulator.state import day_index, hour_index
from sources.simulator.story import at
from tests.unit.simulator.simulated import client

pytestmark = pytest.mark.unit

COINBASE = "https://api.exchange.coinbase.com/products"
KRAKEN = "https://api.kraken.com/0/public/OHLC"
BITSTAMP = "https://www.bitstamp.net/api/v2/ohlc"


def coinbase(product: str, start: str, end: str, now: datetime = market.END_OF_MARKET, **params: object) -> Any:
    query = {"granularity": 3600, "start": start, "end": end, **params}
    return client(now).get(f"{COINBASE}/{product}/candles", params=query)  # type: ignore[arg-type]


def closes(table: str, symbol: str, start: datetime, end: datetime) -> dict[datetime, float]:
    dataset, window = DATASETS[table], Window(start, end)
    with open_market("simulated").connect() as transport:
        bodies = list(dataset.fetch(window, transport.client(dataset, window)))
    rows = [row for body in bodies for row in dataset.parse(body).rows(named=True)]
    return {
        row["opened_at"]: row["close_price"]
        for row in rows
        if row["symbol"] == symbol and start <= row["opened_at"] < end
    }


def test_coinbase_gives_the_newest_first_and_both_ends() -> None:
    rows = coinbase("BTC-USD", "2025-11-01T00:00:00Z", "2025-11-01T02:00:00Z").json()
    assert [row[0] for row in rows] == [int(at(f"2025-11-01 0{hour}:00").timestamp()) for hour in (2, 1, 0)]
    assert all(low <= min(opening, close) and max(opening, close) <= high for _, low, high, opening, close, _ in rows)


def test_coinbase_refuses_a_span_of_more_than_300_hours() -> None:
    assert coinbase("BTC-USD", "2025-11-01T00:00:00Z", "2025-11-13T11:00:00Z").status_code == 200
    refusal = coinbase("BTC-USD", "2025-11-01T00:00:00Z", "2025-11-13T12:00:00Z")
    assert refusal.status_code == 400
    assert "exceeds 300" in refusal.json()["message"]


def test_what_there_is_not_is_refused_in_each_venues_way() -> None:
    assert coinbase("DOGE-USD", "2025-11-01T00:00:00Z", "2025-11-01T02:00:00Z").status_code == 404
    assert coinbase("BTC-USD", "soon", "2025-11-01T02:00:00Z").status_code == 400
    assert coinbase("BTC-USD", "2025-11-01T00:00:00Z", "2025-11-01T02:00:00Z", granularity=7).status_code == 400
    with client() as http:
        unknown = http.get(KRAKEN, params={"pair": "NOPE", "interval": 60})
        assert (unknown.status_code, unknown.json()["error"]) == (200, ["EQuery:Unknown asset pair"])
        assert http.get(KRAKEN, params={"pair": "XBTUSD", "interval": 7}).json()["error"]
        assert http.get(f"{BITSTAMP}/nopeusd/", params={"step": 3600, "limit": 5}).status_code == 404
        assert http.get(f"{BITSTAMP}/btcusd/", params={"step": 3600, "limit": 1001}).status_code == 400
        assert http.get(f"{BITSTAMP}/btcusd/", params={"step": 1, "limit": 10}).status_code == 400


def test_kraken_gives_the_newest_720_whatever_is_asked() -> None:
    query: dict[str, str | int] = {"pair": "USDTUSD", "interval": 60, "since": 0}
    result = client().get(KRAKEN, params=query).json()["result"]
    rows = result["USDTZUSD"]
    assert len(rows) == 720
    assert rows[-1][0] == int(market.END_OF_MARKET.timestamp()) // 3600 * 3600, "the open one"
    assert result["last"] == rows[-2][0]


def test_bitstamp_gives_the_newest_of_what_was_asked() -> None:
    start, end = int(at("2025-11-01").timestamp()), int(at("2025-11-02").timestamp())
    query: dict[str, str | int] = {"step": 3600, "limit": 5, "start": start, "end": end}
    data = client().get(f"{BITSTAMP}/usdtusd/", params=query).json()["data"]
    assert data["pair"] == "USDT/USD"
    assert [int(row["timestamp"]) for row in data["ohlc"]] == [end - 3600 * n for n in (4, 3, 2, 1, 0)]


def test_the_hour_under_way_tells_nothing_of_its_end() -> None:
    now = at("2025-10-10 21:30")
    newest = coinbase("BTC-USD", "2025-10-10T20:00:00Z", "2025-10-10T23:00:00Z", now=now).json()
    assert newest[0][0] == int(at("2025-10-10 21:00").timestamp())
    _, low, high, opening, close, volume = newest[0]
    assert low == high == opening == close
    assert volume == 0
    assert len(newest) == 2


def test_dollars_on_one_venue_are_those_on_another_and_tether_on_binance() -> None:
    start, end = at("2025-11-10"), at("2025-11-20")
    venues = [
        closes("coinbase__spot_candles", "BTC-USD", start, end),
        closes("kraken_spot__spot_candles", "XBTUSD", start, end),
        closes("bitstamp__spot_candles", "btcusd", start, end),
    ]
    state = market.load()
    tether = next(coin.price_usd for coin in state.stablecoins if coin.coin_id == "1")
    assert all(len(one) == 240 for one in venues)
    for moment in venues[0]:
        binance = state.candles["BTCUSDT"].close[hour_index(moment)] * tether[day_index(moment.date())]
        for prices in venues:
            assert prices[moment] == pytest.approx(binance, rel=2e-3)


def test_tether_is_told_as_the_aggregator_prices_it() -> None:
    state = market.load()
    daily = next(coin.price_usd for coin in state.stablecoins if coin.coin_id == "1")
    for table, symbol in (("coinbase__spot_candles", "USDT-USD"), ("bitstamp__spot_candles", "usdtusd")):
        prices = closes(table, symbol, at("2023-03-10"), at("2023-03-14"))
        for day in (date(2023, 3, 10), date(2023, 3, 12)):
            end_of_day = at(str(day)) + timedelta(hours=23)
            assert prices[end_of_day] == pytest.approx(daily[day_index(day)], abs=3e-4)


def test_coinbase_pays_more_after_funds_have_bought() -> None:
    state = market.load()
    funds = state.funds["btc"]
    totals = dict(zip(funds.sessions, funds.session_total_usd_m.tolist(), strict=True))
    best, worst = max(totals, key=lambda day: totals[day]), min(totals, key=lambda day: totals[day])

    def premium(session: date) -> float:
        start = at(str(session + timedelta(days=1)))
        here = closes("coinbase__spot_candles", "BTC-USD", start, start + timedelta(hours=24))
        there = closes("bitstamp__spot_candles", "btcusd", start, start + timedelta(hours=24))
        return sum(here[moment] / there[moment] - 1 for moment in here) / len(here)

    assert premium(best) > 3e-4
    assert premium(worst) < -3e-4
