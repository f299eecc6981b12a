"""Coinalyze: open interest, funding and liquidations of perpetual futures over venues, by day, with a free key.

Traps:
* Every symbol of a request counts as a call, 40 a minute; at most 20 symbols a request.
* The suffix of a symbol is the venue: A is Binance, 6 Bybit, 3 OKX. `PERP` is part of some and not of others.
* Bounds and stamps are whole seconds. Bounds in milliseconds are not refused: the answer is an empty list.
* A symbol the vendor does not know is left out of the answer without a word.
* A bar is stamped with its start; the last one is today's and open.
* Coins or contracts, market by market, unless US dollars are asked for, as here.
* Funding is in per cent per interval of the market, as bars of what was paid or due, not one figure per settlement.
* Days are kept for good, shorter bars for 1,500 to 2,000 of them only, so days it is.
* Liquidations are what the venues' feeds say. Binance tells one a second at most since April 2021: a lower bound.
* To be named as the source wherever the figures are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client
from sources.parsing import decode_json, ended_days, instant, number, rows_of, shape, table

SYMBOLS = (
    "BTCUSDT_PERP.A",
    "BTCUSD_PERP.A",
    "BTCUSDT.6",
    "BTCUSDT_PERP.3",
    "ETHUSDT_PERP.A",
    "ETHUSD_PERP.A",
    "ETHUSDT.6",
    "ETHUSDT_PERP.3",
)

PROVIDER = Provider(
    name="coinalyze",
    title="Coinalyze",
    homepage="https://api.coinalyze.net/v1/doc/",
    licence=Licence.ATTRIBUTION,
    probe_url="https://api.coinalyze.net/v1/exchanges",
    probe_statuses=(200, 401),
    # A request asks for all symbols, and each of them is a call of the 40 a minute.
    rates=(Rate(1, 60.0 * len(SYMBOLS) / 40),),
)

_URL = "https://api.coinalyze.net/v1"
_DUE_WITHIN = timedelta(days=3)


def _fetch(path: str, window: Window, client: Client, **params: str) -> Iterator[Body]:
    asked = {
        "symbols": ",".join(SYMBOLS),
        "interval": "daily",
        "from": int(window.start.timestamp()),
        "to": int(window.end.timestamp()) - 1,
        **params,
    }
    # Handed on before it is looked at, so that it is kept whatever it holds.
    body = client.get(f"{_URL}/{path}", asked, secret_headers={"api_key": client.key})
    yield body
    _bars(body)
    told = {str(market.get("symbol")) for market in _markets(body) if market["history"]}
    missing = [symbol for symbol in SYMBOLS if symbol not in told]
    # Years ago a market may not have been there; one that is silent today has another name or is gone.
    if missing and window.end - window.start >= _DUE_WITHIN and window.end >= client.now - _DUE_WITHIN:
        raise Rejected(
            f"{PROVIDER.title} has nothing on {', '.join(missing)}",
            remedy="see /future-markets for what the vendor calls it; the other markets are landed",
            where=client.where,
        )


def fetch_open_interest(window: Window, client: Client) -> Iterator[Body]:
    yield from _fetch("open-interest-history", window, client, convert_to_usd="true")


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from _fetch("funding-rate-history", window, client)


def fetch_liquidations(window: Window, client: Client) -> Iterator[Body]:
    yield from _fetch("liquidation-history", window, client, convert_to_usd="true")


def _markets(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if isinstance(answer, dict) and "message" in answer:
        raise Rejected(f"{PROVIDER.title} answers with an error: {answer['message']}", body=body)
    markets = rows_of(answer, body)
    if not all("symbol" in market and "history" in market for market in markets):
        raise Malformed("a market lacks its symbol or its history", body=body)
    return markets


def _bars(body: Body) -> list[dict[str, Any]]:
    return [
        {"symbol": market["symbol"], **bar} for market in _markets(body) for bar in rows_of(market["history"], body)
    ]


def _parse(body: Body, figures: dict[str, str]) -> pl.DataFrame:
    """Bars as rows: `figures` holds the vendor's letter for every declared figure."""
    frame = table(_bars(body), body, fields=("symbol", "t", *figures.values()))
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "day": instant("t", "s").dt.date(),
            **{name: number(letter) for name, letter in figures.items()},
        },
    )
    # A day that begins at another hour would be shifted by the cast to a date.
    if frame.height and frame.select(pl.col("t").cast(pl.Int64, strict=True) % 86_400 != 0).to_series().any():
        raise Malformed("a bar does not begin at midnight: is it a day's?", body=body)
    return ended_days(shaped, "day", body)


def parse_open_interest(body: Body) -> pl.DataFrame:
    return _parse(
        body,
        {
            "open_interest_open_usd": "o",
            "open_interest_high_usd": "h",
            "open_interest_low_usd": "l",
            "open_interest_usd": "c",
        },
    )


def parse_funding_rates(body: Body) -> pl.DataFrame:
    return _parse(
        body,
        {
            "funding_rate_open_pct": "o",
            "funding_rate_high_pct": "h",
            "funding_rate_low_pct": "l",
            "funding_rate_close_pct": "c",
        },
    )


def parse_liquidations(body: Body) -> pl.DataFrame:
    return _parse(body, {"long_liquidations_usd": "l", "short_liquidations_usd": "s"})


_SYMBOL = Column("symbol", pl.String, "Market as the vendor writes it; the suffix is the venue.")
_DAY = Column("day", pl.Date, "UTC day.")
_CADENCE = Cadence(
    cron="25 1 * * *", lag=timedelta(minutes=30), revised_for=timedelta(days=3), stale_after=timedelta(days=3)
)
_CHUNK = timedelta(days=730)
_STARTS_ON = date(2020, 1, 1)

OPEN_INTEREST = Dataset(
    provider=PROVIDER,
    name="open_interest",
    subject="leverage",
    description="Open interest of the large Bitcoin and Ether perpetuals on Binance, Bybit and OKX, daily bars.",
    grain="one row per market and UTC day",
    columns=(
        _SYMBOL,
        _DAY,
        Column("open_interest_open_usd", pl.Float64, "Open interest at the start of the day, US dollars."),
        Column("open_interest_high_usd", pl.Float64, "Highest of the day, US dollars."),
        Column("open_interest_low_usd", pl.Float64, "Lowest of the day, US dollars."),
        Column("open_interest_usd", pl.Float64, "Open interest at the end of the day, US dollars."),
    ),
    key=("symbol", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    chunk=_CHUNK,
    fetch=fetch_open_interest,
    parse=parse_open_interest,
    docs_url="https://api.coinalyze.net/v1/doc/",
    needs_key="COINALYZE_API_KEY",
)

FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding rates of the large Bitcoin and Ether perpetuals on Binance, Bybit and OKX, daily bars.",
    grain="one row per market and UTC day",
    columns=(
        _SYMBOL,
        _DAY,
        Column("funding_rate_open_pct", pl.Float64, "First rate of the day, per cent per interval of the market."),
        Column("funding_rate_high_pct", pl.Float64, "Highest of the day, per cent per interval."),
        Column("funding_rate_low_pct", pl.Float64, "Lowest of the day, per cent per interval."),
        Column("funding_rate_close_pct", pl.Float64, "Last of the day, per cent per interval; positive: longs pay."),
    ),
    key=("symbol", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    chunk=_CHUNK,
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://api.coinalyze.net/v1/doc/",
    needs_key="COINALYZE_API_KEY",
)

LIQUIDATIONS = Dataset(
    provider=PROVIDER,
    name="liquidations",
    subject="leverage",
    description="Forced closings of the large Bitcoin and Ether perpetuals by side and day, as the venues' feeds say.",
    grain="one row per market and UTC day",
    columns=(
        _SYMBOL,
        _DAY,
        Column("long_liquidations_usd", pl.Float64, "Long positions closed by force during the day, US dollars."),
        Column("short_liquidations_usd", pl.Float64, "Short positions closed by force during the day, US dollars."),
    ),
    key=("symbol", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    chunk=_CHUNK,
    fetch=fetch_liquidations,
    parse=parse_liquidations,
    docs_url="https://api.coinalyze.net/v1/doc/",
    needs_key="COINALYZE_API_KEY",
)

DATASETS = (OPEN_INTEREST, FUNDING_RATES, LIQUIDATIONS)
