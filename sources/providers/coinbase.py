"""Coinbase Exchange: hourly spot candles in US dollars, without a key.

Traps:
* At most 300 candles an answer, both ends included; a longer span is refused, not cut.
* Newest first. The order of a candle is its own: time, low, high, open, close, volume.
* An hour without a trade has no candle, so a page with few of them is not the last one.
* Some candles of an answer may lie before the start that was asked for. The newest one is still open.
* An error is an object with a `message` where a list is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, in_turn
from sources.parsing import check_candles, decode_json, instant, number, shape, table

PROVIDER = Provider(
    name="coinbase",
    title="Coinbase Exchange",
    homepage="https://docs.cdp.coinbase.com/exchange",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.exchange.coinbase.com/products/BTC-USD/candles"
    "?granularity=3600&start=2025-06-01T00:00:00Z&end=2025-06-01T02:00:00Z",
    rates=(Rate(5, 1.0),),
)

SYMBOLS = ("BTC-USD", "ETH-USD", "USDT-USD")

_URL = "https://api.exchange.coinbase.com/products/{symbol}/candles"
_PRODUCT = re.compile(r"/products/(?P<symbol>[A-Z0-9-]+)/candles$")
_HOUR = timedelta(hours=1)
_MAX_CANDLES = 300
_CANDLE = ("opened_s", "low", "high", "open", "close", "volume")


def fetch_spot_candles(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _pages(window, client, symbol)) for symbol in SYMBOLS)


def _pages(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    # The hour in which the window begins belongs to it.
    start = window.start.replace(minute=0, second=0, microsecond=0)
    while start < window.end:
        last = start + (_MAX_CANDLES - 1) * _HOUR
        params = {"granularity": 3600, "start": _written(start), "end": _written(min(last, window.end))}
        body = client.get(_URL.format(symbol=symbol), params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        _candles(body)
        start = last + _HOUR


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _candles(body: Body) -> list[list[Any]]:
    candles = decode_json(body)
    if isinstance(candles, dict) and "message" in candles:
        raise Rejected(f"{PROVIDER.title} answers with an error: {candles['message']}", body=body)
    if not isinstance(candles, list) or not all(isinstance(one, list) and len(one) >= len(_CANDLE) for one in candles):
        raise Malformed(f"expected a list of candles of at least {len(_CANDLE)} numbers", body=body)
    return candles


def parse_spot_candles(body: Body) -> pl.DataFrame:
    product = _PRODUCT.search(body.request.url)
    if product is None:
        raise Malformed(f"{body.request.url} does not name a product", body=body)
    candles = _candles(body)
    width = max(map(len, candles), default=0)
    names = (*_CANDLE, *(f"column_{position}" for position in range(len(_CANDLE) + 1, width + 1)))
    frame = table([dict(zip(names, one, strict=False)) for one in candles], body, fields=_CANDLE)
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(product["symbol"]),
            "opened_at": instant("opened_s", "s"),
            "open_price": number("open"),
            "high_price": number("high"),
            "low_price": number("low"),
            "close_price": number("close"),
            "volume_base": number("volume"),
        },
    )
    # Figures go by their position alone, so this is what tells a moved one.
    check_candles(shaped, body, "open_price", "high_price", "low_price", "close_price")
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at)


SPOT_CANDLES = Dataset(
    provider=PROVIDER,
    name="spot_candles",
    subject="prices",
    description="Hourly candles of Bitcoin, Ether and Tether against the US dollar on Coinbase.",
    grain="one row per symbol and hour with a trade",
    columns=(
        Column("symbol", pl.String, "Product, such as BTC-USD."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("open_price", pl.Float64, "First price of the hour, US dollars."),
        Column("high_price", pl.Float64, "Highest price, US dollars."),
        Column("low_price", pl.Float64, "Lowest price, US dollars."),
        Column("close_price", pl.Float64, "Last price, US dollars."),
        Column("volume_base", pl.Float64, "Traded amount of the base coin."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="8 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=2)
    ),
    # A premium over Binance needs both, and Binance spot begins here.
    starts_on=date(2017, 8, 17),
    chunk=timedelta(days=366),
    fetch=fetch_spot_candles,
    parse=parse_spot_candles,
    docs_url="https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles",
    can_be_empty=True,
)

DATASETS = (SPOT_CANDLES,)
