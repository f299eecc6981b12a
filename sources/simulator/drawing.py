"""How the state of the simulated market is drawn.

Each strand of stress (`story.STRANDS`) is calm-time noise of its own plus the pulses of the story, which strands have
in common; prices pass through dated anchors as a bridge whose variance follows the volatility strand; everything else
hangs on strands and prices. So pillars move together in the told episodes and are nearly independent between them.

Every series has a random stream of its own, named after it, so that a new series leaves the others as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import date, datetime

import numpy as np
import polars as pl

from sources.simulator import story
from sources.simulator.calendars import is_session
from sources.simulator.state import (
    DAYS,
    HOURS,
    JITTER_PERIOD,
    ORIGIN,
    Candles,
    Floats,
    Funds,
    Ints,
    MacroSeries,
    OnChain,
    Perpetual,
    Stablecoin,
    State,
    day_at,
    day_index,
    hour_index,
)
from sources.simulator.story import at

# Half-lives in days of the strands' own noise. Macro noise is drawn on weekdays, apart, in `Drawing.macro`.
_HALF_LIFE_DAYS = {
    "volatility": 9.0,
    "liquidity": 9.0,
    "funding": 6.0,
    "etf": 4.0,
    "exchange": 5.0,
    "stablecoin": 12.0,
    "peg": 3.0,
    "sopr": 5.0,
}
_MACRO_HALF_LIFE_DAYS = {"vix": 9.0, "credit": 14.0, "dollar": 10.0, "rates": 5.0}

# Spot volatility by UTC hour relative to its mean: highest while New York opens.
# fmt: off
_RHYTHM_OF_VOLATILITY = np.array([
    1.1, 1.05, 1.0, 0.95, 0.9, 0.85, 0.85, 0.9, 0.95, 0.95, 0.95, 1.0,
    1.1, 1.25, 1.35, 1.3, 1.2, 1.1, 1.05, 1.0, 1.0, 0.95, 0.95, 0.95,
])
# fmt: on


def _ar1(shocks: Floats, half_life: float) -> Floats:
    """A stationary AR(1) path of unit variance with the given half-life in steps."""
    decay = 0.5 ** (1.0 / half_life)
    spread = np.sqrt((1.0 - decay) / (1.0 + decay))
    # The smoother takes the first shock whole, so it is made as wide as the path is later.
    shocks = np.append(spread * shocks[:1], shocks[1:])
    smooth = pl.Series(shocks).ewm_mean(alpha=1.0 - decay, adjust=False).to_numpy()
    return np.asarray(smooth / spread)


def _ewm(values: Floats, half_life: float) -> Floats:
    return np.asarray(pl.Series(values).ewm_mean(half_life=half_life, adjust=True).to_numpy())


def _trailing_mean(values: Floats, length: int) -> Floats:
    return np.asarray(pl.Series(values).rolling_mean(length, min_samples=1).to_numpy())


def _path(points: tuple[tuple[date, float], ...], positions: Floats) -> Floats:
    """Linear interpolation between dated values at daily positions."""
    return np.interp(positions, [day_index(day) for day, _ in points], [value for _, value in points])


def _hour_of_day_pattern(peak: float, trough: float) -> Floats:
    """A daily wave with its peak at 11 UTC and its trough at 21 UTC, by UTC hour."""
    hour = np.arange(24)
    since_peak = (hour - 11) % 24
    phase = np.where(since_peak <= 10, since_peak / 10.0, 1.0 - (since_peak - 10) / 14.0)
    return trough + (peak - trough) * 0.5 * (1.0 + np.cos(np.pi * phase))


class Drawing:
    """Draws the state; the methods are in the order in which things depend on each other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.hours = np.arange(HOURS)
        self.days = np.arange(DAYS)
        self.day_of_hour = self.hours // 24
        self.hour_of_day = self.hours % 24
        self.is_weekend = (self.day_of_hour + ORIGIN.weekday()) % 7 >= 5
        self.sessions = tuple(day for day in map(day_at, range(DAYS)) if is_session(day))

    def rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def level(self, name: str, positions: Floats | None = None) -> Floats:
        """A told slow level at daily positions; on every day if none are given."""
        return _path(story.LEVELS[name], self.days.astype(float) if positions is None else positions)

    def noise(self, name: str, count: int, half_life: float) -> Floats:
        """Stationary noise of unit variance; the half-life is in steps."""
        return _ar1(self.rng(name).standard_normal(count), half_life)

    def pulse(self, strand: str) -> Floats:
        """The told part of a strand by hour."""
        total = np.zeros(HOURS)
        for pulse in story.PULSES:
            if pulse.strand != strand:
                continue
            start, peak = hour_index(pulse.start), hour_index(pulse.peak)
            rise = np.clip((self.hours - start + 1) / max(peak - start + 1, 1), 0.0, 1.0)
            fall = 0.5 ** (np.maximum(self.hours - peak, 0) / (24.0 * pulse.half_life_days))
            total += pulse.size * rise * fall
        return total

    def state(self) -> State:
        self.pulses = {strand: self.pulse(strand) for strand in story.STRANDS}
        self.daily_pulses = {strand: hourly.reshape(DAYS, 24)[:, -1] for strand, hourly in self.pulses.items()}
        self.strands = {
            strand: self.noise(strand, DAYS, half_life) + self.daily_pulses[strand]
            for strand, half_life in _HALF_LIFE_DAYS.items()
        }
        candles = self.spot_candles()
        self.close = {asset: candles[f"{asset.upper()}USDT"].close for asset in ("btc", "eth")}
        self.daily_close = {asset: close.reshape(DAYS, 24)[:, -1] for asset, close in self.close.items()}
        perpetuals = {f"{asset.upper()}USDT": self.perpetual(asset) for asset in ("btc", "eth")}
        on_chain = {asset: self.network(asset) for asset in ("btc", "eth")}
        stablecoins = self.stablecoins()
        for symbol, first in (("USDCUSDT", ORIGIN), ("USDEUSDT", at("2025-09-09 12:00"))):
            candles[symbol] = self.coin_candles(symbol, first)
        sth_sopr, sopr = self.spent_output_profit()
        return State(
            candles=candles,
            perpetuals=perpetuals,
            on_chain=on_chain,
            funds={"btc": self.btc_funds(), "eth": self.eth_funds()},
            stablecoins=stablecoins,
            tvl_usd=self.tvl(),
            hacks=self.hacks(),
            dvol_pct={asset.upper(): self.dvol(asset) for asset in ("btc", "eth")},
            lth_supply_btc=self.lth_supply(),
            sth_sopr_ratio=sth_sopr,
            sopr_ratio=sopr,
            fear_greed=self.fear_greed(),
            macro=self.macro(),
            jitter=self.rng("jitter").standard_normal(JITTER_PERIOD),
        )

    # Prices -----------------------------------------------------------------------------------------------------------

    def spot_candles(self) -> dict[str, Candles]:
        """Hourly candles of BTC and ETH: a bridge through the anchors with the volatility strand as its clock."""
        base = self.level("annual volatility of btc")
        calm = 0.26 * (self.strands["volatility"] - self.daily_pulses["volatility"])
        self.annual_volatility = base * np.exp(calm)
        clock = np.interp(self.hours, self.days * 24.0 + 12.0, np.log(self.annual_volatility))
        sigma = np.exp(clock + 0.30 * self.pulses["volatility"] + 0.22 * self.noise("intraday volatility", HOURS, 10.0))
        sigma *= _RHYTHM_OF_VOLATILITY[self.hour_of_day] * np.where(self.is_weekend, 0.72, 1.0) / np.sqrt(24 * 365)
        self.sigma = sigma

        shocks = self.rng("price shocks").standard_t(5, size=(2, HOURS)) / np.sqrt(5 / 3)
        loads = {"btc": (1.0, 0.0, 1.0), "eth": (0.84, 0.54, 1.28)}
        candles = {}
        for asset, (common, own, scale) in loads.items():
            steps = scale * sigma * (common * shocks[0] + own * shocks[1])
            candles[f"{asset.upper()}USDT"] = self.bridge(asset, steps, scale * sigma)
        return candles

    def bridge(self, asset: str, steps: Floats, sigma: Floats) -> Candles:
        """Candles whose closes pass through the anchors, stay within the bounds and show the told extremes."""
        symbol = f"{asset.upper()}USDT"
        knots = np.array([hour_index(anchor.moment) for anchor in story.ANCHORS])
        levels = np.log([getattr(anchor, f"{asset}_usd") for anchor in story.ANCHORS])
        # The path is known at hour edges: edge k is the open of hour k and the close of hour k - 1.
        edges = np.zeros(HOURS + 1)
        for left, right, low, high in zip(knots[:-1], knots[1:], levels[:-1], levels[1:], strict=True):
            part = steps[left:right]
            clock = np.cumsum(sigma[left:right] ** 2)
            walk = np.cumsum(part)
            edges[left] = low
            edges[left + 1 : right + 1] = low + walk + (high - low - walk[-1]) * clock / clock[-1]
        floor, ceiling = np.full(HOURS + 1, -np.inf), np.full(HOURS + 1, np.inf)
        for bound in story.BOUNDS:
            if bound.asset == asset:
                span = slice(hour_index(bound.start), hour_index(bound.end) + 1)
                floor[span], ceiling[span] = np.log(bound.floor), np.log(bound.ceiling)
        # Reflection keeps the path moving at a bound; a clip would print the same close for hours.
        edges = np.where(edges > ceiling, 2 * ceiling - edges, edges)
        edges = np.where(edges < floor, 2 * floor - edges, edges)
        edges = np.clip(edges, floor, ceiling)

        rng = self.rng(f"{asset} candles")
        spread = 8e-4 * np.exp(0.40 * self.liquidity_by_hour())
        bounce = 0.5 * spread * rng.choice((-1.0, 1.0), HOURS)
        close = np.clip(edges[1:] + bounce, floor[1:], ceiling[1:])
        opening = np.append(edges[0], close[:-1])
        wicks = np.abs(rng.standard_normal((2, HOURS))) * 0.42 * sigma + 0.5 * spread
        high = np.clip(np.maximum(opening, close) + wicks[0], None, np.maximum(ceiling[1:], np.maximum(opening, close)))
        low = np.clip(np.minimum(opening, close) - wicks[1], np.minimum(floor[1:], np.minimum(opening, close)), None)
        prices = {name: np.round(np.exp(v), 2) for name, v in zip("ohlc", (opening, high, low, close), strict=True)}
        self.tell_extremes(symbol, 0, prices)

        move = np.abs(np.log(prices["c"] / prices["o"])) / sigma
        swing = np.log(prices["h"] / prices["l"])
        daily_usd = {"btc": 1.9e9, "eth": 1.1e9}[asset]
        quote = daily_usd / 24 * _rhythm_of_volume()[self.hour_of_day] * np.where(self.is_weekend, 0.6, 1.0)
        quote = quote * (0.55 + 0.55 * move) * (sigma * np.sqrt(24 * 365) / 0.5) ** 0.9
        quote *= np.exp(0.28 * rng.standard_normal(HOURS) - 0.16 * self.liquidity_by_hour())
        quote *= 1.0 + 12.0 * np.clip(swing - 0.03, 0.0, 0.12)
        base = np.round(quote / prices["c"], 5)
        taker = np.clip(0.5 + 0.04 * rng.standard_normal(HOURS) + 2.0 * np.log(prices["c"] / prices["o"]), 0.08, 0.92)
        return Candles(
            symbol=symbol,
            first_hour=0,
            open=prices["o"],
            high=prices["h"],
            low=prices["l"],
            close=prices["c"],
            volume_base=base,
            volume_quote=np.round(base * (prices["h"] + prices["l"] + 2 * prices["c"]) / 4, 2),
            trade_count=(quote / 1_400.0 * np.exp(0.15 * rng.standard_normal(HOURS))).astype(np.int64) + 1,
            taker_share=taker,
        )

    def tell_extremes(self, symbol: str, first_hour: int, prices: dict[str, Floats]) -> None:
        for extreme in story.EXTREMES:
            if extreme.symbol == symbol:
                prices[extreme.side[0]][hour_index(extreme.hour) - first_hour] = extreme.price

    def liquidity_by_hour(self) -> Floats:
        """The liquidity strand by hour: its calm part moves from day to day, its told part within the day."""
        calm = self.strands["liquidity"] - self.daily_pulses["liquidity"]
        return np.interp(self.hours, self.days * 24.0 + 12.0, calm) + self.pulses["liquidity"]

    def coin_candles(self, symbol: str, first: datetime) -> Candles:
        """Hourly candles of a stablecoin against USDT."""
        start = hour_index(first)
        count = HOURS - start
        rng = self.rng(symbol)
        level = 1.0 + 1.2e-4 * _ar1(rng.standard_normal(count), 20.0)
        told = story.COIN_PATHS[symbol]
        positions = [hour_index(moment) - start for moment, _ in told]
        level *= np.interp(np.arange(count), positions, [price for _, price in told], left=1.0, right=1.0)
        close = np.round(level, 4)
        opening = np.append(1.0, close[:-1])
        wick = np.abs(rng.standard_normal((2, count))) * 1.5e-4
        prices = {
            "o": opening,
            "h": np.round(np.maximum(opening, close) + wick[0], 4),
            "l": np.round(np.minimum(opening, close) - wick[1], 4),
            "c": close,
        }
        self.tell_extremes(symbol, start, prices)
        usual = 4.0e6 if symbol == "USDCUSDT" else 1.2e6
        distress = np.clip(1.0 - prices["l"], 0.0, None)
        base = np.round(usual * np.exp(0.5 * rng.standard_normal(count)) * (1.0 + 60.0 * distress), 2)
        return Candles(
            symbol=symbol,
            first_hour=start,
            open=prices["o"],
            high=prices["h"],
            low=prices["l"],
            close=prices["c"],
            volume_base=base,
            volume_quote=np.round(base * (prices["o"] + prices["c"]) / 2, 4),
            trade_count=(base / 900.0).astype(np.int64) + 1,
            taker_share=np.clip(0.5 + 0.08 * rng.standard_normal(count), 0.1, 0.9),
        )

    # Derivatives ------------------------------------------------------------------------------------------------------

    def perpetual(self, asset: str) -> Perpetual:
        symbol = f"{asset.upper()}USDT"
        rng = self.rng(f"{symbol} perpetual")
        close = self.close[asset]
        returns = np.diff(np.log(close), prepend=np.log(close[0]))
        open_interest = self.open_interest(asset)
        long_usd, short_usd = self.liquidations(asset, returns, open_interest * close)
        bid, ask = self.book_depth(asset)
        ratios = {
            name: level * np.exp(size * self.noise(f"{symbol} {name}", HOURS, half_life))
            for name, level, size, half_life in (
                ("top account", 1.35, 0.14, 120.0),
                ("top position", 1.15, 0.10, 120.0),
                ("account", 1.45, 0.22, 90.0),
                ("taker", 1.0, 0.05, 3.0),
            )
        }
        dip = -_trailing_mean(returns, 24) * 24
        settlements = DAYS * 3
        return Perpetual(
            symbol=symbol,
            close=close,
            open_interest_coin=open_interest,
            top_account_ratio=ratios["top account"] * np.exp(1.5 * dip),
            top_position_ratio=ratios["top position"] * np.exp(0.5 * dip),
            account_ratio=ratios["account"] * np.exp(2.5 * dip),
            taker_ratio=ratios["taker"] * np.exp(np.clip(4.0 * returns, -0.6, 0.6)),
            long_liquidations_usd=long_usd,
            short_liquidations_usd=short_usd,
            bid_depth_usd=bid,
            ask_depth_usd=ask,
            funding_rate=self.funding(asset),
            funding_jitter_ms=np.where(rng.random(settlements) < 0.4, rng.integers(1, 48, settlements), 0),
        )

    def open_interest(self, asset: str) -> Floats:
        """Open interest in coins at the end of each hour; told flushes close positions that come back over weeks."""
        trend = {"btc": (48e3, 101e3), "eth": (0.95e6, 2.05e6)}[asset]
        growth = np.interp(
            self.hours, [0, hour_index(at("2025-10-01")), HOURS], [np.log(trend[0]), *[np.log(trend[1])] * 2]
        )
        calm = 0.055 * self.noise(f"{asset} open interest", HOURS, 24 * 14.0)
        calm += 0.004 * self.noise(f"{asset} open interest by hour", HOURS, 6.0)
        # The autumn's shape is told, so the random part steps back from August 2025 on.
        told = np.interp(self.hours, [hour_index(at("2025-07-20")), hour_index(at("2025-08-20"))], [1.0, 0.22])
        build_up = np.interp(
            self.hours,
            [
                hour_index(at(text))
                for text in ("2025-07-15", "2025-10-01", "2025-10-08", "2025-10-10 18:00", "2026-02-01")
            ],
            [0.0, 0.16, 0.24, 0.235, 0.12],
        )
        level = growth + calm * told + build_up
        for flush in story.FLUSHES:
            start, end = hour_index(flush.start), hour_index(flush.end)
            size = np.log1p(-flush.fraction) * {"btc": 1.0, "eth": 1.25}[asset]
            fallen = np.clip((self.hours - start + 1) / (end - start), 0.0, 1.0)
            # Most of a flush falls in its last hours.
            recovery = 0.5 ** (np.maximum(self.hours - end, 0) / (24.0 * 30.0))
            level += size * fallen**1.6 * recovery
        return np.asarray(np.exp(level))

    def funding(self, asset: str) -> Floats:
        """Funding rate per 8 h settlement, a fraction; the exchange's base rate of 1 bp is its most common value."""
        count = DAYS * 3
        hour = np.minimum(np.arange(count) * 8, HOURS - 1)
        price = np.log(self.close[asset])
        momentum = price[hour] - price[np.maximum(hour - 24 * 10, 0)]
        calm = self.strands["funding"] - self.daily_pulses["funding"]
        bp = 0.70 + 4.0 * momentum + 0.42 * self.noise(f"{asset} funding", count, 4.0)
        bp += -0.28 * calm[hour // 24] - 0.55 * self.pulses["funding"][hour]
        bp = np.where((bp > 0.75) & (bp < 1.5), 1.0, np.clip(bp, -30.0, 12.0))
        for moment, print_bp in story.FUNDING_PRINTS_BP.items():
            bp[hour_index(moment) // 8] = print_bp * {"btc": 1.0, "eth": 1.3}[asset]
        return np.asarray(np.round(bp, 4) / 1e4)

    def liquidations(self, asset: str, returns: Floats, open_interest_usd: Floats) -> tuple[Floats, Floats]:
        """Forced closures of the whole market by hour, US dollars: convex in the move, scaled to the told days."""
        rng = self.rng(f"{asset} liquidations")
        usual = 9.0 * open_interest_usd * np.exp(0.35 * rng.standard_normal(HOURS))
        fall, rise = np.clip(-returns, 0.0, None), np.clip(returns, 0.0, None)
        long_usd = usual * (fall**1.8 + 1.2e-5)
        short_usd = usual * (rise**1.8 + 0.9e-5)
        share = {"btc": 0.55, "eth": 0.45}[asset]
        for told in story.LIQUIDATION_DAYS:
            span = slice(day_index(told.day) * 24, day_index(told.day) * 24 + 24)
            long_usd[span] *= share * told.total_usd * told.long_share / long_usd[span].sum()
            short_usd[span] *= share * told.total_usd * (1.0 - told.long_share) / short_usd[span].sum()
        return np.round(long_usd), np.round(short_usd)

    def book_depth(self, asset: str) -> tuple[Floats, Floats]:
        """US dollars resting within 1..5 per cent of mid on either side, by hour, (hours, bands)."""
        base = {"btc": 110e6, "eth": 80e6}[asset]
        shares = np.array([1.0, 0.85, 0.62, 0.55, 0.48])
        pattern = _hour_of_day_pattern(1.22, 0.71)[self.hour_of_day]
        stress = self.pulses["liquidity"]
        calm = self.liquidity_by_hour() - stress
        weekend = np.where(self.is_weekend, 0.9, 1.0)
        growth = np.interp(self.hours, [0, HOURS], [0.9, 1.15])
        common = (
            base * growth * pattern * weekend * np.exp(-0.06 * calm + 0.05 * self.noise(f"{asset} depth", HOURS, 4.0))
        )
        sides = []
        # Makers leave the far bands first: that is how a book within 4 per cent empties while some quotes remain.
        exit_by_band = np.array([0.34, 0.40, 0.46, 0.52, 0.55])
        for side, lean in (("bid", 1.12), ("ask", 0.94)):
            own = np.exp(0.06 * self.noise(f"{asset} {side} depth", HOURS, 4.0))
            bands = (common * own)[:, None] * shares * np.exp(-np.outer(stress * lean, exit_by_band))
            sides.append(np.cumsum(bands, axis=1))
        return sides[0], sides[1]

    def dvol(self, asset: str) -> Floats:
        """Implied volatility index, daily (open, high, low, close) in per cent; it rises after the fall."""
        scale = {"btc": 1.0, "eth": 1.24}[asset]
        told = 0.085 * self.daily_pulses["volatility"]
        own = 0.05 * self.noise(f"{asset} dvol", DAYS, 6.0)
        level = np.log(100.0 * scale * 1.12 * _ewm(self.annual_volatility, 8.0)) + told + own
        close = np.exp(level)
        opening = np.append(close[0], close[:-1])
        rng = self.rng(f"{asset} dvol range")
        reach = np.abs(rng.standard_normal((2, DAYS))) * 0.014 + 0.004
        high = np.maximum(opening, close) * (1.0 + reach[0])
        low = np.minimum(opening, close) * (1.0 - reach[1])
        return np.round(np.column_stack([opening, high, low, close]), 2)

    # Flows ------------------------------------------------------------------------------------------------------------

    def network(self, asset: str) -> OnChain:
        rng = self.rng(f"{asset} network")
        price = self.daily_close[asset] * (1.0 + 2e-4 * rng.standard_normal(DAYS))
        is_btc = asset == "btc"
        if is_btc:
            issued = np.where(self.days < day_index(date(2024, 4, 20)), 900.0, 450.0)
            issued = issued * (1.0 + 0.05 * rng.standard_normal(DAYS))
            supply = 18.59e6 + np.cumsum(issued)
        else:
            issued = np.where(self.days < day_index(date(2022, 9, 15)), 13_000.0, 1_900.0)
            issued = issued * (1.0 + 0.02 * rng.standard_normal(DAYS))
            supply = 114.1e6 + np.cumsum(issued - np.where(self.days < day_index(date(2021, 8, 5)), 0.0, 1_700.0))

        # Net flow to exchanges moves their balance; gross flow is what customers turn over.
        own = 0.75 * (self.strands["exchange"] - self.daily_pulses["exchange"]) + 0.66 * self.noise(
            f"{asset} exchange", DAYS, 3.0
        )
        net_share = -0.00006 + 0.00055 * own + 0.0011 * self.daily_pulses["exchange"]
        balance = np.empty(DAYS)
        level, resting = {"btc": (2.62e6, 2.45e6), "eth": (22.0e6, 17.5e6)}[asset]
        for day in range(DAYS):
            net_share[day] -= 0.004 * np.log(level / resting)
            level *= 1.0 + net_share[day]
            balance[day] = level
        net = np.diff(balance, prepend=balance[0])
        stress = np.maximum(self.daily_pulses["exchange"], 0.4 * self.daily_pulses["volatility"])
        gross = (0.013 if is_btc else 0.020) * balance * np.exp(0.18 * rng.standard_normal(DAYS) + 0.16 * stress)
        flow_in, flow_out = gross + net / 2, gross - net / 2

        weekly = np.where((self.days + ORIGIN.weekday()) % 7 >= 5, 0.88, 1.0)
        merged = self.days >= day_index(date(2022, 9, 15))
        hash_rate = self.level("hash rate, Th/s") if is_btc else np.where(merged, np.nan, 9.0e8)
        fees = (18.0 if is_btc else 1_400.0) * np.exp(0.35 * self.noise(f"{asset} fees", DAYS, 8.0))
        # The vendor completes a day some hours after it ends, later on busy days.
        completed = (self.days + 1) * 86_400 + int(ORIGIN.timestamp()) + rng.integers(2 * 3600, 7 * 3600, DAYS)
        return OnChain(
            price_usd=price,
            supply=supply,
            realized_price_usd=self.realized_price(asset, price),
            flow_in_usd=flow_in * price,
            flow_out_usd=flow_out * price,
            exchange_supply=balance,
            issuance_usd=issued * price,
            fee_native=fees,
            hash_rate_ths=hash_rate * np.exp(0.06 * rng.standard_normal(DAYS)),
            active_address_count=(
                (9.0e5 if is_btc else 5.2e5) * weekly * np.exp(0.05 * rng.standard_normal(DAYS))
            ).astype(np.int64),
            transaction_count=(
                (3.6e5 if is_btc else 1.15e6) * weekly * np.exp(0.08 * rng.standard_normal(DAYS))
            ).astype(np.int64),
            completed_at_s=completed.astype(np.int64),
        )

    def realized_price(self, asset: str, price: Floats) -> Floats:
        """The average price at which coins last moved: it follows the market price as coins change hands."""
        value = {"btc": 9_600.0, "eth": 330.0}[asset]
        out = np.empty(DAYS)
        for day in range(DAYS):
            gap = price[day] / value - 1.0
            value *= 1.0 + 0.0019 * gap * (1.0 if gap > 0 else 0.75)
            out[day] = value
        return out

    def btc_funds(self) -> Funds:
        tickers = ("IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "GBTC", "BTC")
        issuers = ("blackrock", "fidelity", "bitwise", "ark", "invesco", "franklin", "valkyrie", "vaneck", "wisdomtree")
        fees = ("0.25%", "0.25%", "0.20%", "0.21%", "0.25%", "0.19%", "0.25%", "0.20%", "0.25%", "1.50%", "0.15%")
        listed = {ticker: date(2024, 1, 11) for ticker in tickers} | {"BTC": date(2024, 7, 31)}
        weights = np.array([0.52, 0.19, 0.05, 0.09, 0.01, 0.01, 0.01, 0.02, 0.005, 0.055, 0.04])
        total = self.session_totals("btc", date(2024, 1, 11), mean=95.0, size=150.0, told=story.BTC_ETF_SESSIONS_USD_M)
        return self.split_funds("btc", tickers, (*issuers, "grayscale", "grayscale"), fees, listed, weights, total)

    def eth_funds(self) -> Funds:
        tickers = ("ETHA", "FETH", "ETHW", "CETH", "ETHV", "QETH", "EZET", "ETHE", "ETH")
        issuers = (
            "blackrock",
            "fidelity",
            "bitwise",
            "21shares",
            "vaneck",
            "invesco",
            "franklin",
            "grayscale",
            "grayscale",
        )
        fees = ("0.25%", "0.25%", "0.20%", "0.21%", "0.20%", "0.25%", "0.19%", "2.50%", "0.15%")
        listed = {ticker: date(2024, 7, 23) for ticker in tickers}
        weights = np.array([0.50, 0.18, 0.05, 0.01, 0.02, 0.01, 0.01, 0.12, 0.10])
        btc = story.BTC_ETF_SESSIONS_USD_M
        told = {day: round(0.36 * total, 1) for day, total in btc.items() if day >= date(2025, 9, 1)}
        total = self.session_totals("eth", date(2024, 7, 23), mean=22.0, size=55.0, told=told)
        return self.split_funds("eth", tickers, issuers, fees, listed, weights, total)

    def session_totals(
        self, asset: str, first: date, *, mean: float, size: float, told: Mapping[date, float]
    ) -> dict[date, float]:
        """Net flow of all funds of an asset per session, US$ million."""
        sessions = [day for day in self.sessions if day >= first]
        own = self.noise(f"{asset} etf", len(sessions), 1.5)
        strand = self.strands["etf"][[day_index(day) for day in sessions]]
        drawn = mean + size * (0.8 * own - 0.75 * strand)
        return {day: told.get(day, float(value)) for day, value in zip(sessions, drawn, strict=True)}

    def split_funds(
        self,
        asset: str,
        tickers: tuple[str, ...],
        issuers: tuple[str, ...],
        fees: tuple[str, ...],
        listed: Mapping[str, date],
        weights: Floats,
        totals: Mapping[date, float],
    ) -> Funds:
        """Session totals as the funds' own figures in tenths of a million, which add up to the total exactly."""
        sessions = tuple(totals)
        rng = self.rng(f"{asset} funds")
        shape = (len(sessions), len(tickers))
        open_to = np.array([[day >= listed[ticker] for ticker in tickers] for day in sessions])
        share = weights * np.exp(0.5 * rng.standard_normal(shape)) * open_to
        share /= share.sum(axis=1, keepdims=True)
        # Money also moves between funds on a day, and small funds often print exactly zero.
        rotation = 0.22 * np.abs(list(totals.values()))[:, None] * weights * rng.standard_normal(shape) * open_to
        quiet = (rng.random(shape) < 0.55) & (weights < 0.03)
        tenths = np.where(quiet, 0.0, np.round(10 * (share * np.array(list(totals.values()))[:, None] + rotation)))
        tenths *= open_to
        tenths[:, 0] += np.round(10 * np.array(list(totals.values()))) - tenths.sum(axis=1)
        return Funds(asset, tickers, issuers, fees, sessions, np.where(open_to, tenths / 10.0, np.nan))

    def stablecoins(self) -> tuple[Stablecoin, ...]:
        """Supplies and prices of the dollar coins the index knows."""
        positions = self.days.astype(float)
        drawn = 2.1 - 1.25 * self.strands["stablecoin"]
        told = _path(story.STABLECOIN_GROWTH_PCT_30D, positions)
        first, last = (day_index(story.STABLECOIN_GROWTH_PCT_30D[end][0]) for end in (0, -1))
        weight = np.interp(positions, [first, first + 6, last, last + 20], [0.0, 0.9, 0.9, 0.0])
        growth = weight * told + (1.0 - weight) * drawn
        total = 62e9 * np.exp(np.cumsum(growth / 100.0 / 30.0))

        parts = {name: self.level(f"{name} share") for name in ("busd", "tusd", "fdusd", "pyusd")}
        rest = 1.0 - np.sum(list(parts.values()), axis=0)
        usdc_part = self.level("usdc part") + 0.01 * self.noise("usdc share", DAYS, 40.0)
        births = {
            "119": date(2023, 7, 26),
            "120": date(2023, 8, 29),
            "146": date(2024, 2, 19),
            "209": date(2024, 9, 18),
        }
        supplies: tuple[tuple[str, str, str, Floats], ...] = (
            ("1", "USDT", "tether", total * rest * (1.0 - usdc_part)),
            ("2", "USDC", "usd-coin", total * rest * usdc_part),
            ("4", "BUSD", "binance-usd", total * parts["busd"]),
            ("5", "DAI", "dai", self.level("dai")),
            ("7", "TUSD", "true-usd", total * parts["tusd"]),
            ("119", "FDUSD", "first-digital-usd", total * parts["fdusd"]),
            ("120", "PYUSD", "paypal-usd", total * parts["pyusd"]),
            ("146", "USDe", "ethena-usde", self.level("usde")),
            ("209", "USDS", "usds", self.level("usds")),
        )
        coins = []
        for coin_id, symbol, name, units in supplies:
            alive = self.days >= day_index(births.get(coin_id, ORIGIN.date()))
            coins.append(Stablecoin(
                coin_id, symbol, name,
                np.where(alive, np.round(units, 2), np.nan),
                np.where(alive, self.coin_price(name), np.nan),
            ))  # fmt: skip
        return tuple(coins)

    def coin_price(self, name: str) -> Floats:
        """Daily price of a stablecoin as an aggregator over venues sees it; most calm days are at or above the peg."""
        rng = self.rng(f"{name} price")
        calm = self.strands["peg"] - self.daily_pulses["peg"]
        slip = 1.4e-4 * (0.7 * calm + 0.7 * rng.standard_normal(DAYS)) - 2.0e-4
        price = 1.0 - np.clip(slip, -4e-4, None) * (np.abs(slip) > 6e-5) - 3.2e-4 * self.daily_pulses["peg"]
        for coin, day, told in story.PEG_PRINTS:
            if coin == name:
                price[day_index(day)] = told
        return np.round(price, 6)

    def tvl(self) -> Floats:
        """US dollars locked in DeFi: a slowly moving amount of ether's worth, so it falls when ether falls."""
        amount = self.level("ether locked") * np.exp(0.02 * self.noise("tvl", DAYS, 20.0))
        return np.round(amount * self.daily_close["eth"] ** 0.9 * 2.1)

    def hacks(self) -> tuple[story.Hack, ...]:
        """The named losses and small invented ones, oldest first."""
        rng = self.rng("hacks")
        first = (
            "Amber",
            "Basalt",
            "Cinder",
            "Delta",
            "Ember",
            "Fjord",
            "Grove",
            "Harbour",
            "Indigo",
            "Juniper",
            "Kestrel",
            "Lumen",
        )
        second = ("Finance", "Swap", "Bridge", "Vault", "Lend", "Protocol", "Pools", "Markets")
        ways = ("Flashloan Oracle Attack", "Private Key Compromised", "Access Control Exploit", "Reentrancy", None)
        chains = ("Ethereum", "BSC", "Arbitrum", "Base", "Solana", "Polygon")
        small = []
        for day in np.flatnonzero(rng.random(DAYS) < 0.11):
            small.append(story.Hack(
                day=day_at(int(day)),
                name=f"{rng.choice(first)} {rng.choice(second)}",
                loss_usd=float(np.round(np.exp(rng.normal(14.4, 1.1)), -3)),
                technique=ways[int(rng.integers(len(ways)))] or "",
                classification="Protocol Logic",
                target_type="DeFi Protocol",
                chains=(str(rng.choice(chains)),),
            ))  # fmt: skip
        return tuple(sorted((*story.HACKS, *small), key=lambda hack: (hack.day, hack.name)))

    # Holders, sentiment, macro ----------------------------------------------------------------------------------------

    def lth_supply(self) -> Floats:
        """Supply held for more than 155 days, BTC: the told path, and a slow wander where nothing is told."""
        positions = self.days.astype(float)
        wander = 34e3 * self.noise("lth supply", DAYS, 25.0)
        calm = np.interp(positions, [day_index(date(2025, 8, 1)), day_index(date(2025, 9, 1))], [1.0, 0.08])
        return np.asarray(np.round(_path(story.LTH_SUPPLY_BTC, positions) + wander * calm, 4))

    def spent_output_profit(self) -> tuple[Floats, Floats]:
        """SOPR of short-term holders and of all coins: price against what recent buyers paid."""
        price = self.daily_close["btc"]
        cost = _ewm(price, 35.0)
        calm = self.strands["sopr"] - self.daily_pulses["sopr"]
        short_term = 1.004 + 0.055 * np.log(price / cost) - 0.0035 * calm - 0.011 * self.daily_pulses["sopr"]
        rng = self.rng("sopr")
        everyone = 1.0 + 1.15 * (short_term - 1.0) + 0.012 + 0.006 * rng.standard_normal(DAYS)
        return np.round(short_term + 0.0025 * rng.standard_normal(DAYS), 12), np.round(everyone, 12)

    def fear_greed(self) -> Ints:
        """Sentiment of day D as published at its first instant: it knows prices up to the day before."""
        price = np.log(self.daily_close["btc"])
        volatility = (
            np.log(self.annual_volatility / _ewm(self.annual_volatility, 60.0)) + 0.2 * self.daily_pulses["volatility"]
        )
        momentum = price - _ewm(price, 30.0)
        score = 50.0 + 190.0 * momentum - 22.0 * volatility + 6.0 * self.noise("fear and greed", DAYS, 4.0)
        value = np.clip(np.round(_trailing_mean(score, 3)), 6, 94).astype(np.int64)
        value = np.append(np.int64(94), value[:-1])
        for day, cap in story.FEAR_AND_GREED_CAPS.items():
            value[day_index(day)] = min(value[day_index(day)], cap)
        return value

    def macro(self) -> dict[str, MacroSeries]:
        weekdays = [day_at(index) for index in range(DAYS) if day_at(index).weekday() < 5]
        where = np.array([day_index(day) for day in weekdays])
        positions = where.astype(float)
        is_open = np.array([is_session(day) for day in weekdays])
        count = len(weekdays)
        # Macro noise steps on weekdays only: a strand that also moved on weekends would jump on Mondays.
        calm = {name: self.noise(f"macro {name}", count, half) for name, half in _MACRO_HALF_LIFE_DAYS.items()}
        told = {name: self.daily_pulses[name][where] for name in calm}

        vix = self.level("vix", positions) * np.exp(0.13 * calm["vix"] + 0.14 * told["vix"])
        shares = self.level("sp500", positions) * np.exp(-0.03 * calm["vix"] - 0.004 * told["vix"])
        two_year = self.level("two-year yield", positions) + 0.10 * calm["rates"] + 0.075 * told["rates"]
        ten_year = 1.3 + 0.65 * two_year + 0.09 * self.noise("macro term premium", count, 12.0)
        dollar = self.level("broad dollar", positions) * np.exp(0.0085 * calm["dollar"] + 0.0062 * told["dollar"])
        baa = 1.82 + 0.14 * calm["credit"] + 0.12 * told["credit"]
        high_yield = 3.3 + 0.30 * calm["credit"] + 0.32 * told["credit"]
        high_yield += 0.05 * self.noise("macro high yield", count, 10.0)
        breakeven = 2.3 + 0.10 * self.noise("macro breakeven", count, 30.0)
        oil = self.level("oil", positions) * np.exp(0.05 * self.noise("macro oil", count, 12.0))
        days = tuple(weekdays)

        def daily(series_id: str, values: Floats, decimals: int) -> MacroSeries:
            return MacroSeries(series_id, days, np.where(is_open, np.round(values, decimals), np.nan), decimals)

        fridays = [i for i, day in enumerate(weekdays) if day.weekday() == 4]
        stress = -0.4 + 0.25 * calm["credit"] + 0.25 * calm["vix"] + 0.28 * (told["credit"] + told["vix"])
        return {
            series.series_id: series
            for series in (
                daily("VIXCLS", vix, 2),
                daily("SP500", shares, 2),
                daily("DGS2", two_year, 2),
                daily("DGS10", ten_year, 2),
                daily("BAA10Y", baa, 2),
                daily("BAMLH0A0HYM2", high_yield, 2),
                daily("T10YIE", breakeven, 2),
                daily("DCOILWTICO", oil, 2),
                daily("DTWEXBGS", dollar, 4),
                MacroSeries("STLFSI4", tuple(days[i] for i in fridays), np.round(stress[fridays], 4), 4),
            )
        }


def _rhythm_of_volume() -> Floats:
    """Share of spot turnover by UTC hour relative to its mean: highest while New York is open."""
    hour = np.arange(24)
    return 1.0 + 0.45 * np.exp(-((((hour - 15 + 12) % 24) - 12) ** 2) / 18.0) - 0.12
