"""Binance public archive: one zipped CSV per symbol and day or month, without a key and without a location block.

Traps:
* A file that does not exist, not yet or never, is HTTP 404. That is an answer, and parses to no rows.
* Beside each zip stands its SHA-256 in `<file>.CHECKSUM`. Files are issued again later without notice.
* Some files have a heading and some do not, even of one kind; the first character decides.
* Spot time stamps are milliseconds before 2025 and microseconds after; futures stay with milliseconds.
* `metrics`: files of 2026-06-25 and later stamp the start of a period where older ones stamp the end; rows can be there
  twice; ratios can be blank, and an open interest of zero is a placeholder.
* `fundingRate`: settlement times jitter by milliseconds, and the interval is not always eight hours.
* Index-price candles have the very file name of trade candles; only the folder differs. Their volume is 0 and `count`
  is the number of seconds, so a file that holds trades is one of the other folder.
* `bookDepth`: text time, cumulative bands by per cent, lines with leading blanks, with or without a mean price. Files
  can hold a stale book for hours (2025-10-10), which only a look at the values shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window, at_midnight
from sources.errors import Malformed
from sources.http import Client
from sources.parsing import (
    check_candles,
    instant,
    instant_of_either_unit,
    instant_of_text,
    number,
    read_csv,
    shape,
    unzip,
    whole,
)

PROVIDER = Provider(
    name="binance_vision",
    title="Binance public archive",
    homepage="https://github.com/binance/binance-public-data",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://data.binance.vision/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2024-01-01.zip.CHECKSUM",
    rates=(Rate(50, 1.0),),
    parallel=8,
)

_ROOT = "https://data.binance.vision/data"

SPOT_SYMBOLS = {
    "BTCUSDT": date(2017, 8, 17),
    "ETHUSDT": date(2017, 8, 17),
    "USDCUSDT": date(2018, 12, 15),
    "USDEUSDT": date(2025, 9, 9),
}
"""Spot pairs and the first day each was traded: earlier files need not be asked for."""

MINUTE_SYMBOLS = {"USDEUSDT": date(2025, 9, 9)}
"""Spot pairs whose single minutes matter: a peg can break and mend within the hour. With the first day of trading."""

FUTURES_SYMBOLS = ("BTCUSDT", "ETHUSDT")

_MONTHLY_FILES_AFTER = timedelta(days=3)
_MONTHLY_FILES_LATE_UNTIL = timedelta(days=45)
_INDEX_DAILY_FOR = timedelta(days=366)
_STAMPS_START_FROM = date(2026, 6, 25)

_KLINE_COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_METRICS_COLUMNS = (
    "create_time",
    "symbol",
    "sum_open_interest",
    "sum_open_interest_value",
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)
_FUNDING_COLUMNS = ("calc_time", "funding_interval_hours", "last_funding_rate")
_DEPTH_COLUMNS = ("timestamp", "percentage", "depth", "notional")

_PRICES = {
    "open_price": number("open"),
    "high_price": number("high"),
    "low_price": number("low"),
    "close_price": number("close"),
}

_FILE = re.compile(r"/(?P<symbol>[A-Z0-9]+)-(?:\w+)-(?P<period>\d{4}-\d{2}(?:-\d{2})?)\.zip$")


def _zip_and_checksum(client: Client, path: str) -> Body:
    zipped = client.get(f"{_ROOT}/{path}", accept=(200, 404))
    if zipped.status == 404:
        return zipped
    checksum = client.get(f"{_ROOT}/{path}.CHECKSUM", accept=(200, 404))
    return replace(zipped, companions=(checksum,))


def _daily_files(window: Window, client: Client, folder: str, kind: str) -> Iterator[Body]:
    """Files of the days in the window that are over, symbol by symbol; a day that goes on cannot be published."""
    days = [day for day in window.days() if _end_of(day) <= client.now]
    paths = [f"{folder}/{symbol}/{symbol}-{kind}-{day}.zip" for symbol in FUTURES_SYMBOLS for day in days]
    yield from client.gather((_name(path), partial(_zip_and_checksum, client, path)) for path in paths)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _end_of(day: date) -> datetime:
    return at_midnight(day + timedelta(days=1))


def _end_of_month(month: date) -> datetime:
    return at_midnight((month + timedelta(days=32)).replace(day=1))


def fetch_spot_klines(window: Window, client: Client) -> Iterator[Body]:
    """Monthly files where a whole month is asked for and over for long enough, daily ones elsewhere."""
    calls = [
        call for symbol, listed_on in SPOT_SYMBOLS.items() for call in _kline_calls(window, client, symbol, listed_on)
    ]
    for bodies in client.gather(calls):
        yield from bodies


def _kline_calls(
    window: Window, client: Client, symbol: str, listed_on: date
) -> Iterator[tuple[str, Callable[[], list[Body]]]]:
    days = [day for day in window.days() if day >= listed_on and _end_of(day) <= client.now]
    monthly = {
        month
        for month in window.months()
        if at_midnight(month) >= window.start
        and _end_of_month(month) <= min(window.end, client.now - _MONTHLY_FILES_AFTER)
        and _end_of_month(month) > at_midnight(listed_on)
    }
    for month in sorted(monthly):
        yield f"{symbol} {month:%Y-%m}", partial(_month_of_klines, client, symbol, month)
    for day in days:
        if day.replace(day=1) not in monthly:
            yield f"{symbol} {day}", partial(_day_of_klines, client, symbol, day)


def _month_of_klines(client: Client, symbol: str, month: date) -> list[Body]:
    monthly = _zip_and_checksum(client, f"spot/monthly/klines/{symbol}/1h/{symbol}-1h-{month:%Y-%m}.zip")
    end = _end_of_month(month)
    if monthly.status == 200 or end < client.now - _MONTHLY_FILES_LATE_UNTIL:
        return [monthly]
    # Monthly files can be late; the days are there.
    days = Window(at_midnight(month), end).days()
    return [monthly, *(body for day in days for body in _day_of_klines(client, symbol, day))]


def _day_of_klines(client: Client, symbol: str, day: date) -> list[Body]:
    return [_zip_and_checksum(client, f"spot/daily/klines/{symbol}/1h/{symbol}-1h-{day}.zip")]


def fetch_spot_klines_1m(window: Window, client: Client) -> Iterator[Body]:
    """Daily files only: months of minutes are large, and the newest days are what is asked for."""
    paths = [
        f"spot/daily/klines/{symbol}/1m/{symbol}-1m-{day}.zip"
        for symbol, listed_on in MINUTE_SYMBOLS.items()
        for day in window.days()
        if day >= listed_on and _end_of(day) <= client.now
    ]
    yield from client.gather((_name(path), partial(_zip_and_checksum, client, path)) for path in paths)


def fetch_um_index_klines(window: Window, client: Client) -> Iterator[Body]:
    """Monthly files of what is long past, daily ones of the last year."""
    daily_from = (client.now - _INDEX_DAILY_FOR).date().replace(day=1)
    monthly = [
        month
        for month in window.months()
        if at_midnight(month) >= window.start and _end_of_month(month) <= min(window.end, at_midnight(daily_from))
    ]
    days = [day for day in window.days() if _end_of(day) <= client.now and day.replace(day=1) not in monthly]
    paths = [
        f"futures/um/{span}/indexPriceKlines/{symbol}/5m/{symbol}-5m-{stamp}.zip"
        for symbol in FUTURES_SYMBOLS
        for span, stamp in (
            *(("monthly", f"{month:%Y-%m}") for month in monthly),
            *(("daily", f"{day}") for day in days),
        )
    ]
    yield from client.gather((_name(path), partial(_zip_and_checksum, client, path)) for path in paths)


def fetch_um_metrics(window: Window, client: Client) -> Iterator[Body]:
    yield from _daily_files(window, client, "futures/um/daily/metrics", "metrics")


def fetch_um_book_depth(window: Window, client: Client) -> Iterator[Body]:
    yield from _daily_files(window, client, "futures/um/daily/bookDepth", "bookDepth")


def fetch_um_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    months = [month for month in window.months() if _end_of_month(month) <= client.now]
    paths = [
        f"futures/um/monthly/fundingRate/{symbol}/{symbol}-fundingRate-{month:%Y-%m}.zip"
        for symbol in FUTURES_SYMBOLS
        for month in months
    ]
    yield from client.gather((_name(path), partial(_zip_and_checksum, client, path)) for path in paths)


def _symbol_and_period(body: Body) -> tuple[str, str]:
    found = _FILE.search(body.request.url)
    if found is None:
        raise Malformed(f"{body.request.url} is not the name of an archive file", body=body)
    return found["symbol"], found["period"]


def parse_spot_klines(body: Body) -> pl.DataFrame:
    # Hours and minutes are written alike and have the same columns.
    if body.status == 404:
        return SPOT_KLINES.empty()
    symbol, _ = _symbol_and_period(body)
    frame = read_csv(unzip(body), body, columns=_KLINE_COLUMNS)
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(symbol),
            "opened_at": instant_of_either_unit("open_time"),
            "closed_at": instant_of_either_unit("close_time"),
            **_PRICES,
            "volume_base": number("volume"),
            "volume_quote": number("quote_volume"),
            "trade_count": whole("count"),
            "taker_buy_volume_base": number("taker_buy_volume"),
            "taker_buy_volume_quote": number("taker_buy_quote_volume"),
        },
        unused=("ignore",),
    )
    return _closed_candles(shaped, frame.width, body)


def parse_um_index_klines(body: Body) -> pl.DataFrame:
    if body.status == 404:
        return UM_INDEX_KLINES.empty()
    symbol, _ = _symbol_and_period(body)
    frame = read_csv(unzip(body), body, columns=_KLINE_COLUMNS)
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(symbol),
            "opened_at": instant("open_time", "ms"),
            "closed_at": instant("close_time", "ms"),
            **_PRICES,
            "index_value_count": whole("count"),
            "volume": number("volume"),
        },
        unused=("quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
    )
    if shaped.select((pl.col("volume") != 0).any()).item():
        raise Malformed("index candles hold a traded volume: is this the file of the trades?", body=body)
    return _closed_candles(shaped.drop("volume"), frame.width, body)


def _closed_candles(shaped: pl.DataFrame, width: int, body: Body) -> pl.DataFrame:
    if width > len(_KLINE_COLUMNS):
        check_candles(shaped, body, "open_price", "high_price", "low_price", "close_price")
    return shaped.filter(pl.col("closed_at") < body.retrieved_at)


def parse_um_metrics(body: Body) -> pl.DataFrame:
    if body.status == 404:
        return UM_METRICS.empty()
    symbol, period = _symbol_and_period(body)
    frame = read_csv(unzip(body), body, columns=_METRICS_COLUMNS).unique(maintain_order=True)
    if frame.height and frame["symbol"].unique().to_list() != [symbol]:
        raise Malformed(f"the file of {symbol} holds rows of another symbol", body=body)
    shift = timedelta(minutes=5) if date.fromisoformat(period) >= _STAMPS_START_FROM else timedelta(0)
    ratios = {
        "top_trader_account_long_short_ratio": number("count_toptrader_long_short_ratio"),
        "top_trader_position_long_short_ratio": number("sum_toptrader_long_short_ratio"),
        "account_long_short_ratio": number("count_long_short_ratio"),
        "taker_buy_sell_volume_ratio": number("sum_taker_long_short_vol_ratio"),
    }
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "period_ended_at": instant_of_text("create_time") + pl.lit(shift, dtype=pl.Duration("us")),
            "open_interest_coin": _zero_as_null(number("sum_open_interest")),
            "open_interest_usd": _zero_as_null(number("sum_open_interest_value")),
            **ratios,
        },
        nullable=("open_interest_coin", "open_interest_usd", *ratios),
    )


def _zero_as_null(value: pl.Expr) -> pl.Expr:
    return pl.when(value != 0).then(value)


def parse_um_funding_rates(body: Body) -> pl.DataFrame:
    if body.status == 404:
        return UM_FUNDING_RATES.empty()
    symbol, _ = _symbol_and_period(body)
    return shape(
        read_csv(unzip(body), body, columns=_FUNDING_COLUMNS),
        body,
        {
            "symbol": pl.lit(symbol),
            "settled_at": instant("calc_time", "ms").dt.truncate("1m"),
            "funding_rate": number("last_funding_rate"),
            "interval_hours": whole("funding_interval_hours"),
        },
    )


def parse_um_book_depth(body: Body) -> pl.DataFrame:
    if body.status == 404:
        return UM_BOOK_DEPTH.empty()
    symbol, _ = _symbol_and_period(body)
    return shape(
        read_csv(unzip(body), body, columns=_DEPTH_COLUMNS),
        body,
        {
            "symbol": pl.lit(symbol),
            "snapshot_at": instant_of_text("timestamp"),
            "band_pct": number("percentage"),
            "depth_coin": number("depth"),
            "depth_usd": number("notional"),
        },
        # Notional over depth: nothing the other two do not say.
        unused=("weighted_avg_price",),
    )


SPOT_KLINES = Dataset(
    provider=PROVIDER,
    name="spot_klines",
    subject="prices",
    description="Hourly candles of Bitcoin, Ether and two stablecoins against Tether on Binance spot.",
    grain="one row per symbol and hour",
    columns=(
        Column("symbol", pl.String, "Pair, such as BTCUSDT."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("closed_at", UTC_DATETIME, "Last instant of the hour, as the vendor writes it."),
        Column("open_price", pl.Float64, "First price of the hour, in the quote coin."),
        Column("high_price", pl.Float64, "Highest price, in the quote coin."),
        Column("low_price", pl.Float64, "Lowest price, in the quote coin."),
        Column("close_price", pl.Float64, "Last price, in the quote coin."),
        Column("volume_base", pl.Float64, "Traded amount of the base coin."),
        Column("volume_quote", pl.Float64, "Traded amount of the quote coin."),
        Column("trade_count", pl.Int64, "Trades."),
        Column("taker_buy_volume_base", pl.Float64, "Part of volume_base bought by takers."),
        Column("taker_buy_volume_quote", pl.Float64, "Part of volume_quote bought by takers."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=timedelta(hours=1),
    cadence=Cadence(
        cron="10 6 * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=4), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 8, 17),
    chunk=timedelta(days=366),
    fetch=fetch_spot_klines,
    parse=parse_spot_klines,
    docs_url="https://github.com/binance/binance-public-data#klines",
    can_be_empty=True,
)

SPOT_KLINES_1M = Dataset(
    provider=PROVIDER,
    name="spot_klines_1m",
    subject="defi",
    description="One-minute candles of USDe against Tether on Binance spot, where its peg broke in October 2025.",
    grain="one row per symbol and minute",
    columns=(
        Column("symbol", pl.String, "Pair, such as USDEUSDT."),
        Column("opened_at", UTC_DATETIME, "Start of the minute."),
        Column("closed_at", UTC_DATETIME, "Last instant of the minute, as the vendor writes it."),
        Column("open_price", pl.Float64, "First price of the minute, in the quote coin."),
        Column("high_price", pl.Float64, "Highest price, in the quote coin."),
        Column("low_price", pl.Float64, "Lowest price, in the quote coin."),
        Column("close_price", pl.Float64, "Last price, in the quote coin; the one before where nobody traded."),
        Column("volume_base", pl.Float64, "Traded amount of the base coin."),
        Column("volume_quote", pl.Float64, "Traded amount of the quote coin."),
        Column("trade_count", pl.Int64, "Trades."),
        Column("taker_buy_volume_base", pl.Float64, "Part of volume_base bought by takers."),
        Column("taker_buy_volume_quote", pl.Float64, "Part of volume_quote bought by takers."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=timedelta(minutes=1),
    cadence=Cadence(
        cron="15 6 * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=4), stale_after=timedelta(days=3)
    ),
    starts_on=date(2025, 9, 9),
    chunk=timedelta(days=31),
    fetch=fetch_spot_klines_1m,
    parse=parse_spot_klines,
    docs_url="https://github.com/binance/binance-public-data#klines",
    can_be_empty=True,
)

UM_INDEX_KLINES = Dataset(
    provider=PROVIDER,
    name="um_index_klines",
    subject="prices",
    description="Five-minute candles of the index of spot prices that Binance USD-M futures follow.",
    grain="one row per symbol and five minutes",
    columns=(
        Column("symbol", pl.String, "Contract whose index it is, such as BTCUSDT."),
        Column("opened_at", UTC_DATETIME, "Start of the five minutes."),
        Column("closed_at", UTC_DATETIME, "Last instant of the five minutes, as the vendor writes it."),
        Column("open_price", pl.Float64, "First index value, US dollars (Tether at par)."),
        Column("high_price", pl.Float64, "Highest index value, US dollars (Tether at par)."),
        Column("low_price", pl.Float64, "Lowest index value, US dollars (Tether at par)."),
        Column("close_price", pl.Float64, "Last index value, US dollars (Tether at par)."),
        Column("index_value_count", pl.Int64, "Index values in the candle, one a second: 300 where none is missing."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=timedelta(minutes=5),
    cadence=Cadence(
        cron="25 6 * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=4), stale_after=timedelta(days=3)
    ),
    # The archive has older ones; they are wanted beside the book depth, which begins here.
    starts_on=date(2023, 1, 1),
    chunk=timedelta(days=366),
    fetch=fetch_um_index_klines,
    parse=parse_um_index_klines,
    docs_url="https://data.binance.vision/?prefix=data/futures/um/daily/indexPriceKlines/",
    can_be_empty=True,
)

UM_METRICS = Dataset(
    provider=PROVIDER,
    name="um_metrics",
    subject="leverage",
    description="Open interest and long/short ratios of Binance USD-M perpetual futures, every five minutes.",
    grain="one row per symbol and five minutes",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTCUSDT."),
        Column("period_ended_at", UTC_DATETIME, "End of the five minutes, whatever the file stamps."),
        Column("open_interest_coin", pl.Float64, "Open interest in the base coin, one side counted."),
        Column("open_interest_usd", pl.Float64, "Open interest in US dollars (Tether at par)."),
        Column("top_trader_account_long_short_ratio", pl.Float64, "Long over short accounts of the top traders."),
        Column("top_trader_position_long_short_ratio", pl.Float64, "Long over short positions of the top traders."),
        Column("account_long_short_ratio", pl.Float64, "Long over short accounts of everybody."),
        Column("taker_buy_sell_volume_ratio", pl.Float64, "Taker buy volume over taker sell volume."),
    ),
    key=("symbol", "period_ended_at"),
    time_column="period_ended_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="20 6 * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=4), stale_after=timedelta(days=3)
    ),
    starts_on=date(2020, 9, 1),
    chunk=timedelta(days=31),
    fetch=fetch_um_metrics,
    parse=parse_um_metrics,
    docs_url="https://data.binance.vision/?prefix=data/futures/um/daily/metrics/",
    can_be_empty=True,
)

UM_FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="um_funding_rates",
    subject="leverage",
    description="Funding settlements of Binance USD-M perpetual futures, with the interval each one covers.",
    grain="one row per symbol and settlement",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTCUSDT."),
        Column("settled_at", UTC_DATETIME, "Settlement, floored to the minute."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
        Column("interval_hours", pl.Int64, "Hours the rate covers."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="30 6 2 * *", lag=timedelta(minutes=5), revised_for=timedelta(days=40), stale_after=timedelta(days=45)
    ),
    starts_on=date(2020, 1, 1),
    chunk=timedelta(days=366),
    fetch=fetch_um_funding_rates,
    parse=parse_um_funding_rates,
    docs_url="https://data.binance.vision/?prefix=data/futures/um/monthly/fundingRate/",
    can_be_empty=True,
)

UM_BOOK_DEPTH = Dataset(
    provider=PROVIDER,
    name="um_book_depth",
    subject="liquidity",
    description="Order-book depth of Binance USD-M perpetual futures by distance from mid, about every 30 seconds.",
    grain="one row per symbol, snapshot and band",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTCUSDT."),
        Column("snapshot_at", UTC_DATETIME, "When the book was looked at."),
        Column("band_pct", pl.Float64, "Edge of the band, per cent from mid; negative for bids."),
        Column("depth_coin", pl.Float64, "Resting orders from mid to the edge, base coin."),
        Column("depth_usd", pl.Float64, "Resting orders from mid to the edge, US dollars (Tether at par)."),
    ),
    key=("symbol", "snapshot_at", "band_pct"),
    time_column="snapshot_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="40 6 * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=4), stale_after=timedelta(days=3)
    ),
    starts_on=date(2023, 1, 1),
    chunk=timedelta(days=31),
    fetch=fetch_um_book_depth,
    parse=parse_um_book_depth,
    docs_url="https://data.binance.vision/?prefix=data/futures/um/daily/bookDepth/",
    can_be_empty=True,
)

DATASETS = (SPOT_KLINES, SPOT_KLINES_1M, UM_INDEX_KLINES, UM_METRICS, UM_FUNDING_RATES, UM_BOOK_DEPTH)
