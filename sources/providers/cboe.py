"""Cboe: the VIX and its relatives, whole daily histories as CSV, without a key.

Traps:
* Two layouts on one host: the VIX family has `DATE,OPEN,HIGH,LOW,CLOSE`, the others `DATE,<NAME>`. Which index has
  which may change, so the close is read from whichever column is there.
* Days are written MM/DD/YYYY. They are sessions of the exchange; the index is computed until 16:15 New York time.
* Old rows of the VIX lie outside their own range (an open above the high), so candles are not held to it.
* VIX3M, VXN, OVX and GVZ begin in 2009 here, VIX in 1990: rows before 2000 are left out.
* Cboe forbids handing the data on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, excerpt, in_turn
from sources.parsing import complete_lines, number, read_csv, shape
from sources.releases import new_york

PROVIDER = Provider(
    name="cboe",
    title="Cboe Global Markets",
    homepage="https://www.cboe.com/tradable_products/vix/vix_historical_data/",
    licence=Licence.NO_REDISTRIBUTION,
    # The shortest of the histories.
    probe_url="https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX9D_History.csv",
    rates=(Rate(2, 1.0),),
)

INDICES = ("VIX3M", "VIX9D", "VVIX", "OVX", "GVZ")

_URL = "https://cdn.cboe.com/api/global/us_indices/daily_prices/{}_History.csv"
_BEFORE_2000 = r"/19\d\d$"


def fetch_vix(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_URL.format("VIX"))


def fetch_volatility_indices(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _history(client, symbol)) for symbol in INDICES)


def _history(client: Client, symbol: str) -> Iterator[Body]:
    yield client.get(_URL.format(symbol))


def _rows(body: Body, columns: tuple[str, ...]) -> pl.DataFrame:
    """The rows of a history since 2000, as text."""
    frame = read_csv(complete_lines(body).encode(), body, columns=columns)
    if "DATE" not in frame.columns:
        raise Malformed(f"expected the column DATE: {excerpt(body)!r}", body=body)
    return frame.filter(~pl.col("DATE").fill_null("").str.contains(_BEFORE_2000))


def _session() -> pl.Expr:
    return pl.col("DATE").str.to_date("%m/%d/%Y", strict=True, exact=True)


def _closed(frame: pl.DataFrame, body: Body) -> pl.DataFrame:
    """Rows of sessions that were over when the body was retrieved."""
    return frame.filter(new_york(pl.col("session_date"), 16, 15) <= body.retrieved_at)


def parse_vix(body: Body) -> pl.DataFrame:
    shaped = shape(
        _rows(body, ("DATE", "OPEN", "HIGH", "LOW", "CLOSE")),
        body,
        {
            "session_date": _session(),
            "vix_open_pct": number("OPEN"),
            "vix_high_pct": number("HIGH"),
            "vix_low_pct": number("LOW"),
            "vix_close_pct": number("CLOSE"),
        },
    )
    return _closed(shaped, body)


def parse_volatility_indices(body: Body) -> pl.DataFrame:
    symbol = urlsplit(body.request.url).path.rpartition("/")[2].removesuffix("_History.csv")
    frame = _rows(body, ("DATE", symbol))
    close = next((name for name in ("CLOSE", symbol) if name in frame.columns), None)
    if close is None:
        raise Malformed(f"expected the column CLOSE or {symbol}: {excerpt(body)!r}", body=body)
    shaped = shape(
        frame,
        body,
        {"symbol": pl.lit(symbol), "session_date": _session(), "close_pct": number(close)},
        unused=("OPEN", "HIGH", "LOW"),
    )
    return _closed(shaped, body)


_CADENCE = Cadence(
    # Before the index of a UTC day is computed half an hour after its end, and after the evening's file in New York.
    cron="20 0 * * *",
    lag=timedelta(hours=3),
    revised_for=timedelta(days=7),
    stale_after=timedelta(days=5),
    calendar="nyse",
)

VIX = Dataset(
    provider=PROVIDER,
    name="vix",
    subject="volatility",
    description="The VIX: implied volatility of the S&P 500 over the next 30 days, by session.",
    grain="one row per session of the New York Stock Exchange",
    columns=(
        Column("session_date", pl.Date, "Session of the exchange."),
        Column("vix_open_pct", pl.Float64, "Index at the open, annualised per cent."),
        Column("vix_high_pct", pl.Float64, "Highest of the session, annualised per cent."),
        Column("vix_low_pct", pl.Float64, "Lowest of the session, annualised per cent."),
        Column("vix_close_pct", pl.Float64, "Index at the close, annualised per cent."),
    ),
    key=("session_date",),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=date(2000, 1, 3),
    fetch=fetch_vix,
    parse=parse_vix,
    docs_url="https://www.cboe.com/tradable_products/vix/vix_historical_data/",
)

VOLATILITY_INDICES = Dataset(
    provider=PROVIDER,
    name="volatility_indices",
    subject="volatility",
    description="Closes of the VIX's relatives: terms of nine days and three months, its own volatility, oil, gold.",
    grain="one row per index and session of the New York Stock Exchange",
    columns=(
        Column("symbol", pl.String, "Index as Cboe writes it: VIX3M, VIX9D, VVIX, OVX or GVZ."),
        Column("session_date", pl.Date, "Session of the exchange."),
        Column("close_pct", pl.Float64, "Index at the close, annualised per cent."),
    ),
    key=("symbol", "session_date"),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=date(2006, 3, 6),
    fetch=fetch_volatility_indices,
    parse=parse_volatility_indices,
    docs_url="https://www.cboe.com/tradable_products/vix/vix_historical_data/",
)

DATASETS = (VIX, VOLATILITY_INDICES)
