"""Kraken spot: hourly candles in US dollars of the last 30 days, without a key.

Traps:
* Whatever `since` says, an answer holds the newest 720 candles at most: there is no older history to ask for here.
* The result stands under Kraken's own name of the pair (USDTUSD becomes USDTZUSD), beside `last`, which is no pair.
* The newest candle is still open.
* Errors come under HTTP 200, as texts in `error`; those that begin with W are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected, Unreachable
from sources.http import Client, in_turn
from sources.parsing import check_candles, decode_json, instant, number, shape, table, whole

PROVIDER = Provider(
    name="kraken_spot",
    title="Kraken",
    homepage="https://docs.kraken.com/api",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.kraken.com/0/public/OHLC?pair=USDTUSD&interval=1440",
    rates=(Rate(1, 1.0),),
)

SYMBOLS = ("XBTUSD", "ETHUSD", "USDTUSD", "USDCUSD")

_URL = "https://api.kraken.com/0/public/OHLC"
_HOUR = timedelta(hours=1)
_MAX_CANDLES = 720
_CANDLE = ("opened_s", "open", "high", "low", "close", "vwap", "volume", "count")


def fetch_spot_candles(window: Window, client: Client) -> Iterator[Body]:
    """One request a pair; none for a window that is older than what Kraken still gives."""
    oldest = client.now.replace(minute=0, second=0, microsecond=0) - (_MAX_CANDLES - 1) * _HOUR
    start = max(window.start.replace(minute=0, second=0, microsecond=0), oldest)
    if start >= window.end:
        return
    # What is asked for is newer than `since`, not equal to it.
    since = int(start.timestamp()) - 1
    yield from in_turn((symbol, _candles(client, symbol, since)) for symbol in SYMBOLS)


def _candles(client: Client, symbol: str, since: int) -> Iterator[Body]:
    body = client.get(_URL, {"pair": symbol, "interval": 60, "since": since})
    # Handed on before it is looked at, so that it is kept whatever it holds.
    yield body
    _result(body)


def _result(body: Body) -> list[Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("error"), list):
        raise Malformed("expected an object with a list of errors", body=body)
    if errors := [str(error) for error in answer["error"] if not str(error).startswith("W")]:
        problem = f"{PROVIDER.title} answers with {', '.join(errors)}"
        if any("rate limit" in error.lower() or "too many requests" in error.lower() for error in errors):
            raise RateLimited(problem, remedy="run again later; what was fetched so far is kept", body=body)
        if any(error.startswith("EService") for error in errors):
            raise Unreachable(problem, remedy="the provider has trouble; run again later", body=body)
        raise Rejected(problem, body=body)
    result = answer.get("result")
    pairs = [value for name, value in result.items() if name != "last"] if isinstance(result, dict) else []
    if len(pairs) != 1 or not isinstance(pairs[0], list):
        raise Malformed("the result does not hold the candles of one pair", body=body)
    return pairs[0]


def parse_spot_candles(body: Body) -> pl.DataFrame:
    candles = _result(body)
    if not all(isinstance(one, list) and len(one) >= len(_CANDLE) for one in candles):
        raise Malformed(f"a candle is not at least {len(_CANDLE)} figures", body=body)
    width = max(map(len, candles), default=0)
    names = (*_CANDLE, *(f"column_{position}" for position in range(len(_CANDLE) + 1, width + 1)))
    frame = table([dict(zip(names, one, strict=False)) for one in candles], body, fields=_CANDLE)
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(body.request.param("pair")),
            "opened_at": instant("opened_s", "s"),
            "open_price": number("open"),
            "high_price": number("high"),
            "low_price": number("low"),
            "close_price": number("close"),
            "volume_base": number("volume"),
            "trade_count": whole("count"),
            "vwap_price": number("vwap"),
        },
    )
    # Figures go by their position alone, so this is what tells a moved one.
    check_candles(shaped, body, "open_price", "high_price", "low_price", "close_price")
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at)


SPOT_CANDLES = Dataset(
    provider=PROVIDER,
    name="spot_candles",
    subject="prices",
    description="Hourly candles of Bitcoin, Ether and two stablecoins against the US dollar on Kraken, newest 30 days.",
    grain="one row per symbol and hour",
    columns=(
        Column("symbol", pl.String, "Pair, such as XBTUSD."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("open_price", pl.Float64, "First price of the hour, US dollars."),
        Column("high_price", pl.Float64, "Highest price, US dollars."),
        Column("low_price", pl.Float64, "Lowest price, US dollars."),
        Column("close_price", pl.Float64, "Last price, US dollars."),
        Column("volume_base", pl.Float64, "Traded amount of the base coin."),
        Column("trade_count", pl.Int64, "Trades."),
        Column("vwap_price", pl.Float64, "Mean price by volume, US dollars; 0 where nobody traded."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="9 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=2)
    ),
    # What is older than 30 days is not asked for: history builds up from the first run on.
    starts_on=date(2021, 1, 1),
    fetch=fetch_spot_candles,
    parse=parse_spot_candles,
    docs_url="https://docs.kraken.com/api/docs/rest-api/get-ohlc-data",
    can_be_empty=True,
)

DATASETS = (SPOT_CANDLES,)
