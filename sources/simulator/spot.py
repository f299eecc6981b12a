"""Hourly spot candles in US dollars on the venues beside Binance, from the one state.

Bitcoin, Ether and USDC cost what they cost in Tether on Binance, times what Tether costs in dollars, which is what an
aggregator says of it. Venues differ by some thousandths of a per cent, and Coinbase also by what American funds bought
in the session before.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from sources.simulator.answers.scene import Scene
from sources.simulator.state import DAYS, HOURS, ORIGIN, Candles, Floats, State, day_at, day_index

TETHER = "1"
_NOISE = 4e-5
_PREMIUM_PER_USD_M = 1e-6
_MOST_PREMIUM = 8e-4


class Candle(NamedTuple):
    """One hour; a price is in US dollars, the volume in coins."""

    opened_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def trade_count(self) -> int:
        return 1 + int(self.volume * self.close / 900.0)

    @property
    def vwap(self) -> float:
        return (self.open + self.high + self.low + self.close) / 4


class Venue:
    """What a venue tells of an hour, made once per market and base coin.

    Args:
        name: the venue; its noise is its own.
        share: its turnover relative to Binance's.
        has_premium: whether American funds move its prices.
    """

    def __init__(self, name: str, share: float, *, has_premium: bool = False) -> None:
        self.name = name
        self.share = share
        self.has_premium = has_premium
        self._made: dict[tuple[int, str], tuple[Floats, ...]] = {}

    def candles(self, base: str, first_s: int, last_s: int, scene: Scene) -> list[Candle]:
        """Candles of a base coin that open in a span of unix seconds, oldest first, the open one included."""
        origin_s = int(ORIGIN.timestamp())
        is_over = (scene.now - ORIGIN) // timedelta(hours=1)
        first = max(-((origin_s - first_s) // 3600), 0)
        last = min((last_s - origin_s) // 3600, HOURS - 1, is_over)
        if last < first:
            return []
        hours = np.arange(first, last + 1)
        days = {index: day_at(index) for index in range(first // 24, last // 24 + 1)}
        factor = np.array([scene.factor(day) for day in days.values()])[hours // 24 - first // 24, None]
        prices = np.column_stack([values[first : last + 1] for values in self._columns(scene.state, base)])
        prices[:, :4] = np.round(prices[:, :4] * factor, 6)
        if last == is_over:
            # The hour under way has begun, and that is all.
            prices[-1, 1:4], prices[-1, 4] = prices[-1, 0], 0.0
        missing = {index for index, day in days.items() if scene.is_missing(day)}
        rows = zip(
            (origin_s + hours * 3600).tolist(), np.round(prices, 8).tolist(), (hours // 24).tolist(), strict=True
        )
        return [Candle(opened_s, *figures) for opened_s, figures, day in rows if day not in missing]

    def _columns(self, state: State, base: str) -> tuple[Floats, ...]:
        key = (id(state), base)
        if key not in self._made:
            self._made[key] = self._make(state, base)
        return self._made[key]

    def _make(self, state: State, base: str) -> tuple[Floats, ...]:
        tether = _dollars_of_tether(state) * self._noise(state, "tether")
        if base == "usdt":
            return (*_of_closes(tether), 2.5e6 * self.share * (1.0 + 60.0 * np.abs(1.0 - tether)))
        candles = state.candles[f"{base.upper()}USDT"]
        factor = tether * self._noise(state, base)
        if self.has_premium and base != "usdc":
            factor = factor * (1.0 + np.repeat(_premium(state), 24))
        prices = tuple(values * factor for values in _four_prices(candles))
        return (*prices, candles.volume_base * self.share)

    def _noise(self, state: State, what: str) -> Floats:
        shift = zlib.crc32(f"{self.name} {what}".encode()) % len(state.jitter)
        noise: Floats = 1.0 + _NOISE * np.resize(np.roll(state.jitter, shift), HOURS)
        return noise


def _four_prices(candles: Candles) -> tuple[Floats, ...]:
    if candles.first_hour:
        raise ValueError(f"{candles.symbol} does not reach back to the origin")
    return candles.open, candles.high, candles.low, candles.close


def _dollars_of_tether(state: State) -> Floats:
    """The price at the end of each hour, on its way from one day's to the next."""
    daily = next(coin.price_usd for coin in state.stablecoins if coin.coin_id == TETHER)
    return np.interp(np.arange(1.0, HOURS + 1) / 24.0, np.arange(1.0, DAYS + 1), daily)


def _of_closes(close: Floats) -> tuple[Floats, ...]:
    opening = np.append(close[:1], close[:-1])
    high, low = np.maximum(opening, close) * (1.0 + 2e-5), np.minimum(opening, close) * (1.0 - 2e-5)
    return opening, high, low, close


def _premium(state: State) -> Floats:
    """By day: what funds bought in the last session before it moves the price of it."""
    premium = np.zeros(DAYS)
    funds = state.funds["btc"]
    for session, total in zip(funds.sessions, funds.session_total_usd_m, strict=True):
        premium[day_index(session) + 1 :] = np.clip(_PREMIUM_PER_USD_M * total, -_MOST_PREMIUM, _MOST_PREMIUM)
    return premium
