"""Bitstamp: hourly spot candles in US dollars, without a key.

Traps:
* At most 1,000 candles an answer, both ends included; of a longer span the newest are given, so spans are kept short.
* All figures are text. The newest candle is still open.
* Errors are objects of several kinds, some under HTTP 200: `errors`, `error`, or `status` and `reason`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, in_turn
from sources.parsing import decode_json, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="bitstamp",
    title="Bitstamp",
    homepage="https://www.bitstamp.net/api",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.bitstamp.net/api/v2/ohlc/btcusd/?step=3600&limit=2&start=1748736000&end=1748739600",
    rates=(Rate(8, 1.0), Rate(4000, 600.0)),
)

SYMBOLS = ("btcusd", "usdtusd", "usdcusd")

_URL = "https://www.bitstamp.net/api/v2/ohlc/{symbol}/"
_PAIR = re.compile(r"/ohlc/(?P<symbol>[a-z0-9]+)/$")
_HOUR = timedelta(hours=1)
_MAX_CANDLES = 1000


def fetch_spot_candles(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _pages(window, client, symbol)) for symbol in SYMBOLS)


def _pages(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    # The hour in which the window begins belongs to it.
    start = window.start.replace(minute=0, second=0, microsecond=0)
    while start < window.end:
        last = start + (_MAX_CANDLES - 1) * _HOUR
        params = {
            "step": 3600,
            "limit": _MAX_CANDLES,
            "start": int(start.timestamp()),
            "end": int(min(last, window.end).timestamp()),
        }
        body = client.get(_URL.format(symbol=symbol), params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        _candles(body)
        start = last + _HOUR


def _candles(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with data", body=body)
    if problem := answer.get("errors") or answer.get("error") or answer.get("reason"):
        raise Rejected(f"{PROVIDER.title} answers with an error: {problem}", body=body)
    data = answer.get("data")
    if not isinstance(data, dict) or "ohlc" not in data:
        raise Malformed("the answer holds neither data with candles nor an error", body=body)
    return rows_of(data["ohlc"], body)


def parse_spot_candles(body: Body) -> pl.DataFrame:
    pair = _PAIR.search(body.request.url)
    if pair is None:
        raise Malformed(f"{body.request.url} does not name a pair", body=body)
    frame = table(_candles(body), body, fields=("timestamp", "open", "high", "low", "close", "volume"))
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(pair["symbol"]),
            "opened_at": instant("timestamp", "s"),
            "open_price": number("open"),
            "high_price": number("high"),
            "low_price": number("low"),
            "close_price": number("close"),
            "volume_base": number("volume"),
        },
    )
    start, end = body.request.param("start"), body.request.param("end")
    stamps = shaped["opened_at"].dt.epoch("s")
    if start.isdigit() and end.isdigit() and not stamps.is_between(int(start), int(end)).all():
        # Whoever gives other hours than were asked for leaves out those that were.
        raise Malformed("candles lie outside the span that was asked for", body=body)
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at)


SPOT_CANDLES = Dataset(
    provider=PROVIDER,
    name="spot_candles",
    subject="prices",
    description="Hourly candles of Bitcoin and two stablecoins against the US dollar on Bitstamp.",
    grain="one row per symbol and hour",
    columns=(
        Column("symbol", pl.String, "Pair, such as btcusd."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("open_price", pl.Float64, "First price of the hour, US dollars."),
        Column("high_price", pl.Float64, "Highest price, US dollars."),
        Column("low_price", pl.Float64, "Lowest price, US dollars."),
        Column("close_price", pl.Float64, "Last price, US dollars; the one before where nobody traded."),
        Column("volume_base", pl.Float64, "Traded amount of the base coin."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="11 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=2)
    ),
    starts_on=date(2017, 8, 17),
    chunk=timedelta(days=366),
    fetch=fetch_spot_candles,
    parse=parse_spot_candles,
    docs_url="https://www.bitstamp.net/api/#tag/Market-info/operation/GetOHLCData",
    can_be_empty=True,
)

DATASETS = (SPOT_CANDLES,)
