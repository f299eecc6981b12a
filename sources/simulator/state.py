"""The state of the simulated market: what happens, in arrays, and how positions in them relate to UTC time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from sources.simulator import story
from sources.simulator.story import at

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ORIGIN = at("2021-01-01")
"""First instant of the state."""

LIMIT = at("2026-02-01")
"""First instant beyond the state; the market's clock can stand anywhere up to here."""

DAYS = (LIMIT - ORIGIN).days
HOURS = DAYS * 24
_HOUR = timedelta(hours=1)

BANDS_PCT = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
"""Bands of `State.depth`: distance from the mid price in per cent, negative for bids."""

SNAPSHOTS_PER_DAY = 96
METRICS_PER_DAY = 288
JITTER_PERIOD = 8_641


def day_index(day: date) -> int:
    """Position of a UTC day in daily arrays."""
    return (day - ORIGIN.date()).days


def hour_index(moment: datetime) -> int:
    """Position of the hour that holds `moment` in hourly arrays."""
    return (moment - ORIGIN) // _HOUR


def day_at(index: int) -> date:
    """The UTC day at a position of daily arrays."""
    return ORIGIN.date() + timedelta(days=index)


@dataclass(frozen=True)
class Candles:
    """Hourly spot candles of one symbol, one element per hour from `first_hour` on; prices in quote currency."""

    symbol: str
    first_hour: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume_base: Floats
    volume_quote: Floats
    trade_count: Ints
    taker_share: Floats


@dataclass(frozen=True)
class Perpetual:
    """The USD-margined perpetual of one asset.

    Hourly arrays hold the value at the end of the hour; depths are (hours, bands of 1 to 5 per cent) US dollars,
    cumulative from mid. Liquidations are those of the whole market in US dollars per hour. `funding_rate` is one
    fraction per 8 h settlement, the first at `ORIGIN`.
    """

    symbol: str
    close: Floats
    open_interest_coin: Floats
    top_account_ratio: Floats
    top_position_ratio: Floats
    account_ratio: Floats
    taker_ratio: Floats
    long_liquidations_usd: Floats
    short_liquidations_usd: Floats
    bid_depth_usd: Floats
    ask_depth_usd: Floats
    funding_rate: Floats
    funding_jitter_ms: Ints


@dataclass(frozen=True)
class OnChain:
    """Daily network and exchange data of one asset; flows and prices in US dollars, supplies in coins."""

    price_usd: Floats
    supply: Floats
    realized_price_usd: Floats
    flow_in_usd: Floats
    flow_out_usd: Floats
    exchange_supply: Floats
    issuance_usd: Floats
    fee_native: Floats
    hash_rate_ths: Floats
    active_address_count: Ints
    transaction_count: Ints
    completed_at_s: Ints

    @property
    def market_cap_usd(self) -> Floats:
        return self.price_usd * self.supply

    @property
    def mvrv_ratio(self) -> Floats:
        return self.price_usd / self.realized_price_usd


@dataclass(frozen=True)
class Funds:
    """Spot ETFs of one asset: net flows in US$ million, one decimal, (sessions, funds); NaN before a fund listed."""

    asset: str
    tickers: tuple[str, ...]
    issuers: tuple[str, ...]
    fees: tuple[str, ...]
    sessions: tuple[date, ...]
    net_flow_usd_m: Floats

    @property
    def session_total_usd_m(self) -> Floats:
        totals: Floats = np.round(np.nansum(self.net_flow_usd_m, axis=1), 1)
        return totals


@dataclass(frozen=True)
class Stablecoin:
    """Daily supply in units and price in US dollars; NaN before the coin existed."""

    coin_id: str
    symbol: str
    name: str
    units: Floats
    price_usd: Floats


@dataclass(frozen=True)
class MacroSeries:
    """A FRED series: its days in order and its values; NaN where the day is a holiday of that market."""

    series_id: str
    days: tuple[date, ...]
    values: Floats
    decimals: int


@dataclass(frozen=True)
class State:
    """Everything that happens in the simulated market."""

    candles: Mapping[str, Candles]
    perpetuals: Mapping[str, Perpetual]
    on_chain: Mapping[str, OnChain]
    funds: Mapping[str, Funds]
    stablecoins: tuple[Stablecoin, ...]
    tvl_usd: Floats
    hacks: tuple[story.Hack, ...]
    dvol_pct: Mapping[str, Floats]
    lth_supply_btc: Floats
    sth_sopr_ratio: Floats
    sopr_ratio: Floats
    fear_greed: Ints
    macro: Mapping[str, MacroSeries]
    jitter: Floats

    def metrics(self, symbol: str, day: date) -> dict[str, Floats]:
        """The 5-minute futures metrics of a day, stamped 00:05 .. 24:00, one array of 288 per column."""
        perpetual = self.perpetuals[symbol]
        first = day_index(day) * 24
        hours = np.arange(first - 1, first + 24)
        source = np.clip(hours, 0, None)
        stamps = np.arange(1, METRICS_PER_DAY + 1) / 12.0
        ends = hours - first + 1.0
        jitter = self._jitter(day_index(day) * METRICS_PER_DAY, METRICS_PER_DAY, symbol)
        coin = np.exp(np.interp(stamps, ends, np.log(perpetual.open_interest_coin[source])) + 4e-5 * jitter)
        price = np.exp(np.interp(stamps, ends, np.log(perpetual.close[source])) + 6e-5 * np.roll(jitter, 7))
        # The vendor values positions at the mark price, whose distance from the index is what funding pays for.
        price = price * (1.0 + np.interp(stamps, ends, perpetual.funding_rate[source // 8] - 1e-4))
        columns: dict[str, Floats] = {"open_interest_coin": np.round(coin, 3).astype(np.float64)}
        columns["open_interest_usd"] = np.round(columns["open_interest_coin"] * price, 4)
        for shift, name, noise in (
            (11, "top_account_ratio", 2e-3),
            (23, "top_position_ratio", 2e-3),
            (31, "account_ratio", 2e-3),
            (43, "taker_ratio", 0.22),
        ):
            hourly = np.log(getattr(perpetual, name)[source])
            columns[name] = np.round(np.exp(np.interp(stamps, ends, hourly) + noise * np.roll(jitter, shift)), 6)
        return columns

    def depth(self, symbol: str, day: date) -> tuple[Floats, Floats, Floats]:
        """The book-depth snapshots of a day, one every 15 minutes from 00:00.

        Returns:
            (depth in coins, depth in US dollars, weighted average price), each (96, 10), columns as `BANDS_PCT`.
        """
        perpetual = self.perpetuals[symbol]
        first = day_index(day) * 24
        hours = np.clip(np.arange(first - 1, first + 25), 0, HOURS - 1)
        stamps = np.arange(SNAPSHOTS_PER_DAY) / 4.0
        left = np.floor(stamps + 0.5).astype(int)
        weight = (stamps + 0.5 - left)[:, None]
        jitter = self._jitter(day_index(day) * SNAPSHOTS_PER_DAY, 2 * SNAPSHOTS_PER_DAY, symbol).reshape(2, -1, 1)
        sides = []
        for side, noise in zip((perpetual.bid_depth_usd, perpetual.ask_depth_usd), jitter, strict=True):
            logs = np.log(side[hours])
            sides.append(np.exp(logs[left] * (1.0 - weight) + logs[left + 1] * weight + 0.07 * noise))
        closes = np.log(perpetual.close[hours])
        mid = np.exp(np.interp(stamps, np.arange(26.0), closes))[:, None]
        usd = np.concatenate([sides[0][:, ::-1], sides[1]], axis=1)
        bands = np.array(BANDS_PCT) / 100.0
        average = np.round(mid * (1.0 + 0.55 * bands), 6)
        return np.round(usd / average, 3), np.round(usd, 4), average

    def _jitter(self, position: int, count: int, symbol: str) -> Floats:
        start = (position + zlib.crc32(symbol.encode())) % (len(self.jitter) - count)
        return self.jitter[start : start + count]
