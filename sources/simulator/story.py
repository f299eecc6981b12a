"""What the simulated market re-tells: dated figures, as data, with where each was read.

Levels are approximate facts (month ends, peaks and troughs of BTC and ETH, rounded); everything between them is drawn
at random by `sources.simulator.drawing`. The autumn of 2025 is told hour by hour. A figure whose source is
`INVENTED` is there because a coherent market needs one, not because it was observed.

Times are UTC. Prices are US dollars unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone

INVENTED = "invented for the simulation"
MARKET_LEVELS = "public price history, rounded"


def at(text: str) -> datetime:
    """The UTC instant written as `YYYY-MM-DD` or `YYYY-MM-DD HH:MM`."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Anchor:
    """The price of both assets at an instant, which the random path passes through."""

    moment: datetime
    btc_usd: float
    eth_usd: float


@dataclass(frozen=True)
class Extreme:
    """The high or low of one hourly candle of `symbol`, and optionally where that candle closed."""

    symbol: str
    hour: datetime
    side: str
    price: float
    source: str


@dataclass(frozen=True)
class Bound:
    """Between two instants closes stay within `[floor, ceiling]`, so that the dated extremes remain the extremes."""

    asset: str
    start: datetime
    end: datetime
    floor: float
    ceiling: float


@dataclass(frozen=True)
class Pulse:
    """A rise of one strand of stress: linear from `start` to `peak`, then halving every `half_life_days`.

    `size` is in standard deviations of that strand's calm-time noise. Strands are listed in `STRANDS`.
    """

    strand: str
    start: datetime
    peak: datetime
    half_life_days: float
    size: float

    def __post_init__(self) -> None:
        if self.strand not in STRANDS:
            raise ValueError(f"pulse of an unknown strand {self.strand!r}: it is one of {', '.join(STRANDS)}")


@dataclass(frozen=True)
class Flush:
    """Coin open interest of both assets that is closed between two instants, as a fraction of what was open."""

    start: datetime
    end: datetime
    fraction: float
    source: str


@dataclass(frozen=True)
class LiquidationDay:
    """Liquidations of the whole market on one UTC day and the share of it that was long."""

    day: date
    total_usd: float
    long_share: float
    source: str


@dataclass(frozen=True)
class Hack:
    """A named loss; small losses are drawn at random beside these."""

    day: date
    name: str
    loss_usd: float
    technique: str
    classification: str
    target_type: str
    chains: tuple[str, ...]
    returned_usd: float | None = None
    is_bridge: bool = False


STRANDS = (
    "volatility",
    "liquidity",
    "funding",
    "etf",
    "exchange",
    "stablecoin",
    "peg",
    "sopr",
    "vix",
    "credit",
    "dollar",
    "rates",
)
"""The strands of stress: each has its own calm-time noise, and pulses are what they have in common."""


def _anchors(*rows: tuple[str, float, float]) -> tuple[Anchor, ...]:
    return tuple(Anchor(at(moment), btc * 1000.0, eth * 1000.0) for moment, btc, eth in rows)


ANCHORS = _anchors(
    ("2021-01-01", 29.0, 0.737),
    ("2021-01-31", 33.1, 1.31),
    ("2021-02-21", 57.5, 1.93),
    ("2021-02-23", 48.8, 1.57),
    ("2021-03-31", 58.8, 1.92),
    ("2021-04-14", 63.8, 2.43),
    ("2021-04-18", 56.2, 2.24),
    ("2021-04-30", 57.7, 2.77),
    ("2021-05-12", 55.0, 4.10),
    ("2021-05-19", 42.9, 3.38),
    ("2021-05-19 13:00", 34.0, 2.20),
    ("2021-05-20", 37.0, 2.44),
    ("2021-05-31", 37.3, 2.71),
    ("2021-06-30", 35.0, 2.27),
    ("2021-07-20", 30.0, 1.79),
    ("2021-07-31", 41.5, 2.53),
    ("2021-08-31", 47.1, 3.43),
    ("2021-09-07", 52.6, 3.93),
    ("2021-09-08", 46.8, 3.43),
    ("2021-09-30", 43.8, 3.00),
    ("2021-10-31", 61.3, 4.29),
    ("2021-11-09", 67.4, 4.75),
    ("2021-11-30", 57.0, 4.63),
    ("2021-12-03", 56.5, 4.51),
    ("2021-12-04 04:00", 53.5, 4.20),
    ("2021-12-04 06:00", 46.5, 3.85),
    ("2021-12-05", 49.2, 4.12),
    ("2021-12-31", 46.2, 3.68),
    ("2022-01-20", 41.7, 3.10),
    ("2022-01-22", 35.1, 2.41),
    ("2022-01-31", 38.5, 2.69),
    ("2022-02-28", 43.2, 2.92),
    ("2022-03-31", 45.5, 3.28),
    ("2022-04-30", 37.6, 2.73),
    ("2022-05-08", 34.5, 2.54),
    ("2022-05-12", 28.6, 2.00),
    ("2022-05-31", 31.8, 1.94),
    ("2022-06-11", 28.8, 1.60),
    ("2022-06-14", 22.2, 1.20),
    ("2022-06-18", 20.4, 1.08),
    ("2022-06-18 20:00", 17.9, 0.92),
    ("2022-06-30", 19.9, 1.07),
    ("2022-07-31", 23.3, 1.68),
    ("2022-08-31", 20.0, 1.55),
    ("2022-09-30", 19.4, 1.33),
    ("2022-10-31", 20.5, 1.57),
    ("2022-11-07", 20.9, 1.57),
    ("2022-11-09", 18.5, 1.33),
    ("2022-11-10", 15.9, 1.11),
    ("2022-11-21", 16.0, 1.13),
    ("2022-11-30", 17.2, 1.30),
    ("2022-12-31", 16.5, 1.20),
    ("2023-01-31", 23.1, 1.59),
    ("2023-02-28", 23.1, 1.61),
    ("2023-03-09", 21.7, 1.53),
    ("2023-03-10 20:00", 19.9, 1.40),
    ("2023-03-14", 24.2, 1.68),
    ("2023-03-31", 28.5, 1.82),
    ("2023-04-30", 29.3, 1.87),
    ("2023-05-31", 27.2, 1.87),
    ("2023-06-30", 30.5, 1.93),
    ("2023-07-31", 29.2, 1.86),
    ("2023-08-17", 28.7, 1.80),
    ("2023-08-18", 26.6, 1.68),
    ("2023-08-31", 26.0, 1.65),
    ("2023-09-30", 27.0, 1.67),
    ("2023-10-31", 34.7, 1.82),
    ("2023-11-30", 37.7, 2.05),
    ("2023-12-31", 42.3, 2.28),
    ("2024-01-31", 42.6, 2.28),
    ("2024-02-29", 61.2, 3.34),
    ("2024-03-13", 73.0, 4.00),
    ("2024-03-31", 71.3, 3.65),
    ("2024-04-12", 70.0, 3.50),
    ("2024-04-14", 64.0, 3.05),
    ("2024-04-30", 60.6, 3.01),
    ("2024-05-31", 67.5, 3.76),
    ("2024-06-30", 62.7, 3.43),
    ("2024-07-05", 56.0, 3.00),
    ("2024-07-31", 64.6, 3.23),
    ("2024-08-04", 60.6, 2.90),
    ("2024-08-05", 58.1, 2.69),
    ("2024-08-05 07:00", 50.5, 2.25),
    ("2024-08-06", 54.0, 2.42),
    ("2024-08-31", 59.0, 2.51),
    ("2024-09-30", 63.3, 2.60),
    ("2024-10-31", 70.2, 2.52),
    ("2024-11-30", 96.4, 3.70),
    ("2024-12-17", 106.1, 3.99),
    ("2024-12-20", 97.5, 3.42),
    ("2024-12-31", 93.4, 3.33),
    ("2025-01-31", 102.4, 3.30),
    ("2025-02-03", 97.7, 2.85),
    ("2025-02-21", 98.3, 2.74),
    ("2025-02-28", 84.4, 2.24),
    ("2025-03-31", 82.5, 1.82),
    ("2025-04-06", 83.5, 1.79),
    ("2025-04-07 06:00", 75.6, 1.46),
    ("2025-04-09", 76.3, 1.47),
    ("2025-04-30", 94.2, 1.79),
    ("2025-05-31", 104.6, 2.53),
    ("2025-06-22", 100.6, 2.26),
    ("2025-06-30", 107.1, 2.49),
    ("2025-07-14", 119.8, 3.01),
    ("2025-07-31", 115.8, 3.70),
    ("2025-08-14", 122.3, 4.60),
    ("2025-08-24", 113.5, 4.85),
    ("2025-08-31", 108.2, 4.39),
    ("2025-09-22", 115.3, 4.46),
    ("2025-09-23", 112.7, 4.20),
    ("2025-09-30", 114.0, 4.15),
    ("2025-10-06", 123.4, 4.52),
    ("2025-10-06 18:00", 125.2, 4.69),
    ("2025-10-08", 122.0, 4.46),
    ("2025-10-10", 121.6, 4.37),
    ("2025-10-10 14:00", 121.2, 4.33),
    ("2025-10-10 16:00", 118.6, 4.17),
    ("2025-10-10 20:00", 117.3, 4.08),
    ("2025-10-10 21:00", 116.2, 4.02),
    ("2025-10-10 22:00", 111.9, 3.76),
    ("2025-10-11", 113.2, 3.83),
    ("2025-10-12", 110.8, 3.75),
    ("2025-10-14", 115.2, 4.24),
    ("2025-10-17 12:00", 105.4, 3.80),
    ("2025-10-27", 114.6, 4.16),
    ("2025-10-31", 108.6, 3.81),
    ("2025-11-03", 110.6, 3.90),
    ("2025-11-04", 106.6, 3.605),
    ("2025-11-04 14:00", 104.0, 3.50),
    ("2025-11-04 20:00", 100.3, 3.20),
    ("2025-11-04 22:00", 99.1, 3.08),
    ("2025-11-05", 99.1, 3.10),
    ("2025-11-06", 103.9, 3.42),
    ("2025-11-11", 106.0, 3.57),
    ("2025-11-13", 101.7, 3.41),
    ("2025-11-14", 99.0, 3.22),
    ("2025-11-15", 94.6, 3.11),
    ("2025-11-18", 92.1, 3.03),
    ("2025-11-20", 91.6, 3.02),
    ("2025-11-21", 86.6, 2.83),
    ("2025-11-21 07:00", 85.2, 2.78),
    ("2025-11-21 12:00", 81.9, 2.67),
    ("2025-11-22", 84.6, 2.76),
    ("2025-11-24", 86.8, 2.80),
    ("2025-11-27", 90.5, 3.02),
    ("2025-12-01", 90.4, 3.00),
    ("2025-12-01 01:00", 88.2, 2.89),
    ("2025-12-01 03:00", 86.6, 2.83),
    ("2025-12-01 06:00", 86.8, 2.84),
    ("2025-12-02", 86.3, 2.80),
    ("2025-12-03", 91.3, 3.00),
    ("2025-12-06", 89.4, 3.03),
    # What follows lies beyond the market's end: a calm continuation, so that a test can add a day.
    ("2025-12-31", 90.5, 3.05),
    ("2026-02-01", 93.0, 3.15),
)
"""Levels the path passes through. Source: `MARKET_LEVELS`; after 2025-12-06 `INVENTED`."""

EXTREMES = (
    Extreme(
        "BTCUSDT", at("2025-10-06 17:00"), "high", 126_200.0, "press: tradradar, blazetrends (high of about 126 k)"
    ),
    Extreme("BTCUSDT", at("2025-10-10 21:00"), "low", 105_000.0, "public price history, rounded"),
    Extreme("ETHUSDT", at("2025-10-10 21:00"), "low", 3_440.0, "public price history, rounded"),
    Extreme("USDEUSDT", at("2025-10-10 21:00"), "low", 0.65, "press: USDe/USDT on one venue, 21:54 UTC"),
    Extreme("BTCUSDT", at("2025-11-04 21:00"), "low", 98_900.0, "press: newstoday24, adtechsolutions (98.9-99.1 k)"),
    Extreme("ETHUSDT", at("2025-11-04 21:00"), "low", 3_050.0, "press: bitgetapp (3.0-3.06 k)"),
    Extreme("BTCUSDT", at("2025-11-21 12:00"), "low", 80_500.0, "press: tradradar, blazetrends (80.5 k)"),
    Extreme("ETHUSDT", at("2025-11-21 12:00"), "low", 2_625.0, "public price history, rounded"),
    Extreme("BTCUSDT", at("2025-12-01 14:00"), "low", 83_900.0, "public price history, rounded"),
    Extreme("BTCUSDT", at("2024-08-05 06:00"), "low", 49_200.0, "public price history, rounded"),
    Extreme("BTCUSDT", at("2021-05-19 12:00"), "low", 30_200.0, "public price history, rounded"),
    Extreme("BTCUSDT", at("2022-06-18 20:00"), "low", 17_600.0, "public price history, rounded"),
    Extreme("USDCUSDT", at("2023-03-11 07:00"), "low", 0.88, "public price history, rounded"),
)

COIN_PATHS: dict[str, tuple[tuple[datetime, float], ...]] = {
    "USDCUSDT": (
        (at("2023-03-10 06:00"), 1.0),
        (at("2023-03-10 22:00"), 0.988),
        (at("2023-03-11 07:00"), 0.905),
        (at("2023-03-11 20:00"), 0.955),
        (at("2023-03-12 12:00"), 0.968),
        (at("2023-03-13 08:00"), 0.996),
        (at("2023-03-14"), 1.0),
    ),
    "USDEUSDT": (
        (at("2025-10-10 21:00"), 1.0),
        (at("2025-10-10 22:00"), 0.931),
        (at("2025-10-10 23:00"), 0.986),
        (at("2025-10-11 02:00"), 0.9985),
        (at("2025-10-11 12:00"), 1.0),
    ),
}
"""Hourly closes of stablecoins against USDT while they are off their peg, linear between. Source: `INVENTED` around the
reported lows."""

BOUNDS = (
    Bound("btc", at("2021-01-01"), at("2021-11-05"), 28_200.0, 64_600.0),
    Bound("btc", at("2021-11-05"), at("2022-05-09"), 33_000.0, 68_500.0),
    Bound("btc", at("2022-05-09"), at("2022-11-08"), 17_700.0, 48_000.0),
    Bound("btc", at("2022-11-08"), at("2024-03-01"), 15_600.0, 62_500.0),
    Bound("btc", at("2024-03-01"), at("2024-11-05"), 49_500.0, 73_600.0),
    Bound("btc", at("2024-11-05"), at("2025-05-20"), 74_600.0, 108_500.0),
    Bound("btc", at("2025-05-20"), at("2025-07-10"), 99_300.0, 111_800.0),
    Bound("btc", at("2025-07-10"), at("2025-10-01"), 107_000.0, 123_900.0),
    Bound("btc", at("2025-10-01"), at("2025-10-10 15:00"), 111_000.0, 125_600.0),
    Bound("btc", at("2025-10-10 15:00"), at("2025-10-11"), 110_000.0, 119_500.0),
    Bound("btc", at("2025-10-11"), at("2025-11-04"), 103_600.0, 117_000.0),
    Bound("btc", at("2025-11-04"), at("2025-11-05"), 99_000.0, 107_000.0),
    Bound("btc", at("2025-11-05"), at("2025-11-13"), 99_050.0, 107_500.0),
    Bound("btc", at("2025-11-13"), at("2025-11-20"), 88_800.0, 103_900.0),
    Bound("btc", at("2025-11-20"), at("2025-11-22"), 81_100.0, 93_000.0),
    Bound("btc", at("2025-11-22"), at("2026-02-01"), 83_000.0, 99_000.0),
    Bound("eth", at("2021-01-01"), at("2021-11-05"), 700.0, 4_600.0),
    Bound("eth", at("2021-11-05"), at("2022-05-09"), 2_150.0, 4_860.0),
    Bound("eth", at("2022-05-09"), at("2024-03-01"), 890.0, 3_600.0),
    Bound("eth", at("2024-03-01"), at("2025-08-10"), 1_390.0, 4_250.0),
    Bound("eth", at("2025-08-10"), at("2025-10-10 15:00"), 3_820.0, 4_940.0),
    Bound("eth", at("2025-10-10 15:00"), at("2025-11-04"), 3_640.0, 4_350.0),
    Bound("eth", at("2025-11-04"), at("2025-11-05"), 3_060.0, 3_640.0),
    Bound("eth", at("2025-11-05"), at("2025-11-20"), 2_960.0, 3_680.0),
    Bound("eth", at("2025-11-20"), at("2026-02-01"), 2_640.0, 3_450.0),
)
"""Where closes may not go. Source: `MARKET_LEVELS`."""

FLUSHES = (
    Flush(at("2021-02-22 12:00"), at("2021-02-23 08:00"), 0.12, INVENTED),
    Flush(at("2021-04-18 02:00"), at("2021-04-18 06:00"), 0.16, INVENTED),
    Flush(at("2021-05-19 09:00"), at("2021-05-19 15:00"), 0.22, INVENTED),
    Flush(at("2021-09-07 14:00"), at("2021-09-07 18:00"), 0.13, INVENTED),
    Flush(at("2021-12-04 04:00"), at("2021-12-04 06:00"), 0.17, INVENTED),
    Flush(at("2022-01-21 00:00"), at("2022-01-22 12:00"), 0.08, INVENTED),
    Flush(at("2022-05-09 00:00"), at("2022-05-12 08:00"), 0.12, INVENTED),
    Flush(at("2022-06-12 12:00"), at("2022-06-14 06:00"), 0.12, INVENTED),
    Flush(at("2022-11-08 16:00"), at("2022-11-09 22:00"), 0.15, INVENTED),
    Flush(at("2023-08-17 21:00"), at("2023-08-17 23:00"), 0.13, INVENTED),
    Flush(at("2024-01-03 11:00"), at("2024-01-03 14:00"), 0.10, INVENTED),
    Flush(at("2024-04-12 18:00"), at("2024-04-13 22:00"), 0.12, INVENTED),
    Flush(at("2024-08-05 00:00"), at("2024-08-05 08:00"), 0.16, INVENTED),
    Flush(at("2025-02-02 22:00"), at("2025-02-03 04:00"), 0.08, INVENTED),
    Flush(at("2025-04-06 20:00"), at("2025-04-07 08:00"), 0.08, INVENTED),
    Flush(at("2025-09-22 05:00"), at("2025-09-22 08:00"), 0.075, INVENTED),
    Flush(at("2025-10-10 20:00"), at("2025-10-10 23:00"), 0.186, "press: BTC coin open interest -18.6 %"),
    Flush(at("2025-11-03 06:00"), at("2025-11-04 23:00"), 0.125, INVENTED),
    Flush(at("2025-11-13 12:00"), at("2025-11-14 16:00"), 0.03, INVENTED),
    Flush(at("2025-11-19 12:00"), at("2025-11-21 14:00"), 0.13, INVENTED),
    Flush(at("2025-12-01 00:00"), at("2025-12-01 04:00"), 0.03, INVENTED),
)

LIQUIDATION_DAYS = (
    LiquidationDay(date(2021, 4, 18), 9.94e9, 0.93, "CoinGlass list as quoted in the press"),
    LiquidationDay(date(2021, 5, 19), 9.01e9, 0.85, "CoinGlass list as quoted in the press"),
    LiquidationDay(date(2021, 12, 4), 2.5e9, 0.88, "CoinGlass list as quoted in the press"),
    LiquidationDay(date(2022, 11, 8), 1.6e9, 0.70, "CoinGlass list as quoted in the press"),
    LiquidationDay(date(2025, 9, 22), 3.62e9, 0.92, "CoinGlass list as quoted in the press"),
    LiquidationDay(date(2025, 10, 10), 19.16e9, 0.87, "press: 19.16 B over 24 h"),
    LiquidationDay(date(2025, 11, 4), 2.03e9, 0.80, "press: bitgetapp (1.63 B long, 0.40 B short)"),
    LiquidationDay(date(2025, 11, 14), 1.1e9, 0.88, "press: 1.1 B on 13-14 November"),
    LiquidationDay(date(2025, 11, 21), 1.95e9, 0.90, "press: 1.9-2 B on 20-21 November"),
    LiquidationDay(date(2025, 12, 1), 0.62e9, 0.90, "press: yellow.com, blazetrends, bitemycoin (600-650 M)"),
)


def _sessions(year: int, month: int, **flows: float) -> dict[date, float]:
    return {date(year, month, int(day.removeprefix("d"))): flow for day, flow in flows.items()}


# fmt: off
BTC_ETF_SESSIONS_USD_M: dict[date, float] = {
    **_sessions(2024, 1, d11=620.0),
    **_sessions(2025, 9, d22=-310.0, d23=-90.0, d24=120.0, d25=-240.0, d26=-380.0, d29=210.0, d30=180.0),
    **_sessions(2025, 10, d1=260.0, d2=240.0, d3=310.0, d6=420.0, d7=-140.0, d8=-340.0, d9=-430.0, d10=-560.0),
    **_sessions(2025, 10, d13=-330.0, d14=90.0, d15=-120.0, d16=-510.0, d17=-360.0, d20=60.0, d21=410.0, d22=90.0),
    **_sessions(2025, 10, d23=140.0, d24=230.0, d27=310.0, d28=120.0, d29=-390.0, d30=-440.0, d31=-240.0),
    # 13 and 20 November and the month's total of about -3.5 B were reported; the other sessions are invented to fit.
    **_sessions(2025, 11, d3=-170.0, d4=-520.0, d5=-150.0, d6=-40.0, d7=-330.0, d10=40.0, d11=420.0, d12=-260.0),
    **_sessions(2025, 11, d13=-870.0, d14=-430.0, d17=-270.0, d18=-300.0, d19=-110.0, d20=-903.0, d21=260.0),
    **_sessions(2025, 11, d24=-130.0, d25=110.0, d26=40.0, d28=110.0),
    **_sessions(2025, 12, d1=-60.0),
}
"""Net flow of all BTC funds per session, US$ million; other sessions are drawn at random."""
# fmt: on

FUNDING_PRINTS_BP: dict[datetime, float] = {
    at("2025-10-10 00:00"): 0.35,
    at("2025-10-10 08:00"): 0.10,
    at("2025-10-10 16:00"): -9.0,
    at("2025-10-11 00:00"): -6.0,
    at("2025-10-11 08:00"): -2.2,
    at("2025-10-11 16:00"): -1.1,
}
"""Funding rates per 8 h settlement, basis points. Source: `INVENTED` (the sign after the cascade was reported)."""

FEAR_AND_GREED_CAPS: dict[date, int] = {
    date(2025, 11, 14): 16,
    date(2025, 11, 15): 12,
    date(2025, 11, 16): 15,
    date(2025, 11, 17): 14,
    date(2025, 11, 18): 13,
    date(2025, 11, 19): 15,
    date(2025, 11, 20): 12,
    date(2025, 11, 21): 11,
    date(2025, 11, 22): 10,
    date(2025, 11, 23): 13,
    date(2025, 11, 24): 15,
}
"""Extreme fear in the second half of November 2025, capped at these values. Source: press, rounded."""

PEG_PRINTS: tuple[tuple[str, date, float], ...] = (
    ("tether", date(2022, 5, 12), 0.962),
    ("tether", date(2022, 5, 13), 0.991),
    ("true-usd", date(2022, 6, 18), 0.985),
    ("tether", date(2022, 11, 9), 0.9945),
    ("tether", date(2022, 11, 10), 0.9905),
    ("usd-coin", date(2023, 3, 10), 0.972),
    ("usd-coin", date(2023, 3, 11), 0.952),
    ("usd-coin", date(2023, 3, 12), 0.988),
    ("dai", date(2023, 3, 11), 0.961),
    ("true-usd", date(2024, 1, 18), 0.984),
    ("ethena-usde", date(2025, 10, 10), 0.9991),
)
"""Daily prices of stablecoins in US dollars that are told rather than drawn. The USDe print of 10 October 2025 was one
venue's: an average over venues hardly moved."""

_KEY, _ACCESS = "Private Key Compromised", "Access Control Exploit"
_INFRA, _LOGIC, _DEFI = "Infrastructure", "Protocol Logic", "DeFi Protocol"

# fmt: off
HACKS = (
    Hack(date(2021, 8, 10), "Poly Network", 611e6, _ACCESS, _LOGIC, "Bridge", ("Ethereum", "BSC"), 610e6, True),
    Hack(date(2021, 10, 27), "Cream Finance", 130e6, "Flashloan Oracle Attack", _LOGIC, _DEFI, ("Ethereum",)),
    Hack(date(2021, 12, 4), "BitMart", 196e6, _KEY, _INFRA, "CEX", ("Ethereum", "BSC")),
    Hack(date(2022, 2, 2), "Wormhole", 326e6, "Signature Exploit", _LOGIC, "Bridge", ("Solana",), None, True),
    Hack(date(2022, 3, 23), "Ronin Bridge", 624e6, _KEY, _INFRA, "Bridge", ("Ronin",), None, True),
    Hack(date(2022, 4, 17), "Beanstalk", 181e6, "Flashloan Governance Attack", "Ecosystem", _DEFI, ("Ethereum",)),
    Hack(date(2022, 6, 23), "Harmony Bridge", 100e6, _KEY, _INFRA, "Bridge", ("Harmony",), None, True),
    Hack(date(2022, 8, 1), "Nomad", 190e6, "Trusted Root Exploit", _LOGIC, "Bridge", ("Ethereum",), 36e6, True),
    Hack(date(2022, 9, 20), "Wintermute", 162e6, _KEY, _INFRA, "CEX", ("Ethereum",)),
    Hack(date(2022, 10, 6), "BNB Bridge", 570e6, "Proof Verifier Bug", _LOGIC, "Bridge", ("BSC",), 430e6, True),
    Hack(date(2022, 11, 12), "FTX", 450e6, _KEY, _INFRA, "CEX", ("Ethereum",)),
    Hack(date(2023, 3, 13), "Euler", 197e6, "Flashloan Donate Function Exploit", _LOGIC, _DEFI, ("Ethereum",), 197e6),
    Hack(date(2023, 7, 6), "Multichain", 126e6, _KEY, _INFRA, "Bridge", ("Fantom",), None, True),
    Hack(date(2023, 9, 23), "Mixin", 200e6, "Database Attack", _INFRA, "CEX", ("Ethereum",)),
    Hack(date(2023, 11, 10), "Poloniex", 126e6, _KEY, _INFRA, "CEX", ("Ethereum", "Tron")),
    Hack(date(2024, 5, 31), "DMM Bitcoin", 305e6, _KEY, _INFRA, "CEX", ("Bitcoin",)),
    Hack(date(2024, 7, 18), "WazirX", 235e6, _ACCESS, _INFRA, "CEX", ("Ethereum",)),
    Hack(date(2024, 10, 16), "Radiant", 53e6, _KEY, _INFRA, _DEFI, ("Arbitrum", "BSC")),
    Hack(date(2025, 2, 21), "Bybit", 1.46e9, "Safe Multisig Wallet Phishing", _INFRA, "CEX", ("Ethereum",)),
    Hack(date(2025, 5, 22), "Cetus", 223e6, "Math Mistake", _LOGIC, _DEFI, ("Sui",)),
    Hack(date(2025, 9, 8), "SwissBorg", 41e6, "Infrastructure Compromise", _INFRA, "Services", ("Solana",)),
    Hack(date(2025, 9, 22), "UXLINK", 44e6, _KEY, _INFRA, "Services", ("Arbitrum",)),
    Hack(date(2025, 11, 3), "Balancer", 116e6, "Rounding Error Exploit", _LOGIC, _DEFI, ("Ethereum", "Base")),
    Hack(date(2025, 11, 3), "Stream Finance", 93e6, "Fund Manager Loss", "Ecosystem", _DEFI, ("Ethereum", "Avalanche")),
    Hack(date(2025, 11, 27), "Upbit", 36e6, _KEY, _INFRA, "CEX", ("Solana",)),
    Hack(date(2025, 11, 30), "Yearn yETH", 9e6, "Infinite Mint Exploit", _LOGIC, _DEFI, ("Ethereum",)),
)
"""Losses that were widely reported, rounded; Balancer and Stream as in the press of early November 2025."""
# fmt: on

LTH_SUPPLY_BTC: tuple[tuple[date, float], ...] = (
    (date(2021, 1, 1), 12.90e6),
    (date(2021, 5, 1), 12.55e6),
    (date(2021, 11, 1), 13.30e6),
    (date(2022, 6, 1), 13.45e6),
    (date(2023, 1, 1), 13.95e6),
    (date(2023, 12, 1), 14.70e6),
    (date(2024, 4, 1), 14.45e6),
    (date(2024, 9, 15), 14.75e6),
    (date(2025, 1, 1), 14.42e6),
    (date(2025, 8, 20), 14.86e6),
    (date(2025, 10, 1), 14.79e6),
    (date(2025, 11, 5), 14.38e6),
    (date(2025, 12, 5), 14.29e6),
    (date(2026, 2, 1), 14.33e6),
)
"""Supply held for more than 155 days, BTC. Reported: -400 k BTC between 1 October and early November 2025; the rest is
`INVENTED`."""


def _pulses(start: str, peak: str, half_life_days: float, **sizes: float) -> tuple[Pulse, ...]:
    return tuple(Pulse(strand, at(start), at(peak), half_life_days, size) for strand, size in sizes.items())


# fmt: off
PULSES: tuple[Pulse, ...] = (
    # Before 2025: broad in prices, narrow elsewhere.
    *_pulses("2021-02-21", "2021-02-23", 4, volatility=2.0, liquidity=1.5),
    *_pulses("2021-04-17", "2021-04-18 06:00", 4, volatility=2.0, liquidity=2.0, funding=1.0),
    *_pulses("2021-05-17", "2021-05-19 14:00", 8, volatility=4.0, liquidity=3.5, funding=3.0, exchange=2.5, sopr=2.0),
    *_pulses("2021-09-07", "2021-09-07 16:00", 3, volatility=1.8, liquidity=1.5),
    *_pulses("2021-12-03", "2021-12-04 05:00", 4, volatility=2.2, liquidity=2.5, funding=2.0),
    *_pulses("2022-01-19", "2022-01-22", 5, volatility=2.2, liquidity=1.0, vix=2.0, rates=1.0),
    *_pulses("2022-05-07", "2022-05-12", 6, volatility=3.2, liquidity=2.5, funding=2.0, exchange=2.5),
    *_pulses("2022-05-07", "2022-05-12", 6, stablecoin=2.5, sopr=2.0),
    *_pulses("2022-06-10", "2022-06-15", 6, volatility=3.4, liquidity=2.5, funding=1.8, exchange=2.0),
    *_pulses("2022-06-10", "2022-06-15", 6, stablecoin=2.0, sopr=2.5),
    *_pulses("2022-06-08", "2022-06-14", 8, vix=1.2, rates=2.0, credit=1.0),
    *_pulses("2022-11-06", "2022-11-09 20:00", 6, volatility=3.4, liquidity=3.0, funding=4.0, exchange=2.8, sopr=2.4),
    *_pulses("2022-11-05", "2022-11-10", 9, vix=1.6, credit=1.6, stablecoin=1.6),
    *_pulses("2023-03-07", "2023-03-11", 5, volatility=2.6, liquidity=2.4, stablecoin=2.4, exchange=2.4, funding=2.6),
    *_pulses("2023-03-08", "2023-03-13", 8, vix=2.6, credit=2.4, sopr=1.6),
    *_pulses("2023-03-10", "2023-03-11", 4, peg=1.6),
    *_pulses("2023-08-17", "2023-08-17 22:00", 4, volatility=2.2, liquidity=1.8),
    *_pulses("2024-01-03", "2024-01-03 13:00", 3, volatility=1.4, liquidity=1.0),
    *_pulses("2024-04-12", "2024-04-13 20:00", 4, volatility=1.8, liquidity=1.6, etf=0.8),
    *_pulses("2024-07-03", "2024-07-05", 5, volatility=1.4, liquidity=0.8, exchange=1.2, sopr=1.5),
    *_pulses("2024-08-01", "2024-08-05 07:00", 5, volatility=3.4, liquidity=2.6, funding=1.4, vix=4.5, sopr=1.2),
    *_pulses("2024-12-18", "2024-12-20", 4, volatility=1.4, vix=2.0, rates=1.2, etf=1.2),
    *_pulses("2025-02-01", "2025-02-03 02:00", 3, volatility=1.8, liquidity=1.2, vix=0.8),
    *_pulses("2025-02-24", "2025-02-27", 5, volatility=1.2, etf=2.4, sopr=2.0, vix=0.8),
    *_pulses("2025-04-02", "2025-04-07", 6, volatility=1.8, liquidity=1.4, etf=0.8, sopr=1.4),
    *_pulses("2025-04-02", "2025-04-08", 8, vix=5.5, credit=4.0, dollar=0.8),
    # Autumn 2025. A first, smaller shock in September, an easy week up to the high of 6 October, and then three waves.
    # Macro and flows tighten before each of them, because what the index knows of them is a day old.
    *_pulses("2025-09-19", "2025-09-22 07:00", 3, volatility=2.2, liquidity=2.0, exchange=2.0, sopr=1.8, funding=2.4),
    *_pulses("2025-09-15", "2025-09-19", 4, vix=2.0, credit=1.6, rates=1.6),
    *_pulses("2025-09-27", "2025-10-04", 2, liquidity=-0.8, volatility=-1.2, exchange=-1.6, peg=-0.6),
    *_pulses("2025-09-27", "2025-10-04", 2, vix=-2.0, credit=-1.8),
    *_pulses("2025-09-14", "2025-10-03", 9, dollar=1.8),
    *_pulses("2025-10-05", "2025-10-09", 3, vix=2.8, credit=2.4),
    *_pulses("2025-10-02", "2025-10-09", 3, rates=3.2),
    *_pulses("2025-10-05", "2025-10-10 22:00", 3, exchange=3.6),
    *_pulses("2025-10-10 12:00", "2025-10-10 22:00", 3, volatility=5.0, liquidity=5.6, peg=2.2),
    *_pulses("2025-10-10 12:00", "2025-10-11", 4, sopr=3.4, vix=1.4, credit=0.8),
    *_pulses("2025-10-15", "2025-10-17", 1.5, volatility=0.8, vix=1.2, liquidity=0.8),
    *_pulses("2025-10-19", "2025-10-25", 3, vix=-1.2, credit=-1.4, liquidity=-0.8, exchange=-0.8),
    *_pulses("2025-10-30", "2025-11-04 22:00", 2, liquidity=2.4, exchange=3.0, sopr=2.8),
    *_pulses("2025-11-02", "2025-11-04 20:00", 3, volatility=3.2, funding=4.0, peg=2.0),
    *_pulses("2025-10-26", "2025-11-04", 4, vix=2.4, credit=2.4),
    *_pulses("2025-10-14", "2025-10-31", 6, dollar=2.6),
    *_pulses("2025-10-29", "2025-11-04", 3, rates=3.4),
    *_pulses("2025-11-04 12:00", "2025-11-04 22:00", 1.2, liquidity=2.8, volatility=1.0),
    *_pulses("2025-11-12", "2025-11-14", 2, volatility=1.2, liquidity=1.2, exchange=1.0, sopr=1.4),
    *_pulses("2025-11-15", "2025-11-20 20:00", 2, exchange=3.2, sopr=3.2, liquidity=2.2, peg=2.2),
    *_pulses("2025-11-14", "2025-11-20", 3, vix=2.8, credit=2.4),
    *_pulses("2025-11-18", "2025-11-21 12:00", 3, volatility=3.0, liquidity=2.2, funding=6.0),
    *_pulses("2025-11-13", "2025-11-19", 3, rates=3.6),
    *_pulses("2025-11-05", "2025-11-14", 5, dollar=2.2),
    *_pulses("2025-11-24", "2025-11-29", 4, exchange=-1.6, liquidity=-0.9, sopr=-1.0, peg=-0.6),
    *_pulses("2025-11-30 20:00", "2025-12-01 03:00", 1.0, volatility=1.2, liquidity=2.2),
)
# fmt: on
"""What the strands have in common. Source: `INVENTED`, sized so that the index reads as the press of the day did."""

STABLECOIN_GROWTH_PCT_30D: tuple[tuple[date, float], ...] = (
    (date(2025, 9, 8), 1.8),
    (date(2025, 9, 14), 0.4),
    (date(2025, 10, 3), 0.4),
    (date(2025, 10, 9), -3.0),
    (date(2025, 10, 13), -1.0),
    (date(2025, 10, 17), 1.6),
    (date(2025, 10, 28), 1.6),
    (date(2025, 11, 1), -5.0),
    (date(2025, 11, 6), -4.0),
    (date(2025, 11, 9), 2.0),
    (date(2025, 11, 14), 1.5),
    (date(2025, 11, 17), -4.5),
    (date(2025, 11, 22), -3.5),
    (date(2025, 11, 25), 3.0),
    (date(2025, 12, 20), 2.0),
)
"""Growth of dollar coins during autumn 2025 in per cent per 30 days, linear between. Source: `INVENTED`; contraction in
November was reported."""


def _level(**points: float) -> tuple[tuple[date, float], ...]:
    """A path through dated values; a date is written d20210131."""
    return tuple((datetime.strptime(day, "d%Y%m%d").date(), value) for day, value in points.items())


# fmt: off
LEVELS: dict[str, tuple[tuple[date, float], ...]] = {
    "annual volatility of btc": _level(d20210101=0.66, d20220101=0.56, d20230101=0.46, d20250101=0.44, d20260201=0.42),
    "hash rate, Th/s": _level(d20210101=1.45e8, d20210701=0.9e8, d20230101=2.6e8, d20260201=1.1e9),
    "ether locked": _level(d20210101=27e6, d20211101=37e6, d20221201=33e6, d20240101=25e6, d20251001=37e6),
    "busd share": _level(d20210101=0.03, d20220601=0.11, d20230213=0.10, d20240301=0.001),
    "tusd share": _level(d20210101=0.01, d20230301=0.01, d20230901=0.024, d20240601=0.003),
    "fdusd share": _level(d20230726=0.0, d20240301=0.022, d20251201=0.006),
    "pyusd share": _level(d20230829=0.0, d20240901=0.005, d20251201=0.013),
    "usdc part": _level(d20210101=0.20, d20220601=0.42, d20231101=0.22, d20251201=0.28),
    "dai": _level(d20210101=1.3e9, d20220101=9.2e9, d20230101=5.3e9, d20251201=4.6e9),
    "usde": _level(
        d20240219=3e8, d20240701=3.4e9, d20250601=5.6e9, d20251009=14.3e9, d20251014=12.3e9, d20251104=9.4e9,
        d20251201=7.0e9,
    ),
    "usds": _level(d20240918=4e8, d20250301=7.5e9, d20251201=6.2e9),
    "vix": _level(d20210101=18.9, d20220601=19.7, d20230901=17.5, d20260201=17.8),
    "sp500": _level(
        d20210101=3750, d20211231=4770, d20221012=3580, d20230731=4590, d20231027=4120, d20240328=5250, d20241206=6090,
        d20250219=6140, d20250408=4980, d20250627=6170, d20251008=6750, d20251010=6550, d20251028=6890, d20251120=6540,
        d20251205=6870, d20260201=6950,
    ),
    "two-year yield": _level(
        d20210101=0.6, d20210901=0.9, d20221001=3.6, d20231001=4.7, d20240901=4.0, d20250925=3.55, d20260201=3.5,
    ),
    "broad dollar": _level(
        d20210101=114.0, d20220901=120.5, d20230701=119.0, d20250110=123.0, d20250901=120.5, d20260201=120.5,
    ),
    "oil": _level(d20210101=52.0, d20220601=110.0, d20230601=73.7, d20250601=63.4, d20260201=59.1),
}
# fmt: on
"""Slow levels, linear between the dates. The S&P 500 is rounded from the public record; the others have the right order
of magnitude and are otherwise `INVENTED`, smoother than they were so that ranks stay near the middle in calm years."""
