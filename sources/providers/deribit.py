"""Deribit: the DVOL volatility indices of Bitcoin and Ether, without a key.

Traps:
* At most 1,000 candles an answer, the newest part of the range first; `continuation` is the end of the next request.
* The last candle is still open until its day is over.
* An error is `{"error": {"code", "message"}}`; code 10028 is "too many requests", whatever the HTTP status.
* A candle need not open where the one before closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.parsing import check_candles, decode_json, ended_days, instant, number, shape, table

PROVIDER = Provider(
    name="deribit",
    title="Deribit",
    homepage="https://docs.deribit.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.deribit.com/api/v2/public/get_volatility_index_data"
    "?currency=BTC&start_timestamp=1735689600000&end_timestamp=1735776000000&resolution=1D",
    rates=(Rate(5, 1.0),),
)

CURRENCIES = ("BTC", "ETH")

_URL = "https://www.deribit.com/api/v2/public/get_volatility_index_data"
_TOO_MANY_REQUESTS = "10028"
_CANDLE = ("opened_ms", "open", "high", "low", "close")


def fetch_dvol(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((currency, _pages(window, client, currency)) for currency in CURRENCIES)


def _pages(window: Window, client: Client, currency: str) -> Iterator[Body]:
    start_ms, end_ms = (int(moment.timestamp() * 1000) for moment in (window.start, window.end))
    while True:
        params = {
            "currency": currency,
            "start_timestamp": start_ms,
            "end_timestamp": end_ms,
            "resolution": "1D",
        }
        body = client.get(_URL, params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        continuation = _result(body).get("continuation")
        if continuation is None:
            return
        if not str(continuation).isdigit() or int(continuation) >= end_ms:
            raise Malformed(f"continuation {continuation!r} does not lead further back", body=body)
        end_ms = int(continuation)
        if end_ms < start_ms:
            return


def _result(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with a result", body=body)
    if error := answer.get("error"):
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, error)
        problem = f"{PROVIDER.title} answers with error {code}: {message}"
        raise (RateLimited if code == _TOO_MANY_REQUESTS else Rejected)(problem, body=body)
    result = answer.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("data"), list):
        raise Malformed("the answer holds neither a result with data nor an error", body=body)
    return result


def parse_dvol(body: Body) -> pl.DataFrame:
    candles = _result(body)["data"]
    if not all(isinstance(candle, list) and len(candle) >= len(_CANDLE) for candle in candles):
        raise Malformed(f"a candle is not at least {len(_CANDLE)} numbers", body=body)
    width = max(map(len, candles), default=0)
    names = (*_CANDLE, *(f"column_{position}" for position in range(len(_CANDLE) + 1, width + 1)))
    frame = table([dict(zip(names, candle, strict=False)) for candle in candles], body, fields=_CANDLE)
    shaped = shape(
        frame,
        body,
        {
            "currency": pl.lit(body.request.param("currency")),
            "day": instant("opened_ms", "ms").dt.date(),
            "dvol_open_pct": number("open"),
            "dvol_high_pct": number("high"),
            "dvol_low_pct": number("low"),
            "dvol_close_pct": number("close"),
        },
    )
    if width > len(_CANDLE):
        check_candles(shaped, body, "dvol_open_pct", "dvol_high_pct", "dvol_low_pct", "dvol_close_pct")
    return ended_days(shaped, "day", body)


DVOL = Dataset(
    provider=PROVIDER,
    name="dvol",
    subject="volatility",
    description="Implied volatility over the next 30 days from Deribit options, daily candles of the DVOL index.",
    grain="one row per currency and UTC day",
    columns=(
        Column("currency", pl.String, "BTC or ETH."),
        Column("day", pl.Date, "UTC day of the candle."),
        Column("dvol_open_pct", pl.Float64, "Index at the start of the day, annualised per cent."),
        Column("dvol_high_pct", pl.Float64, "Highest of the day, annualised per cent."),
        Column("dvol_low_pct", pl.Float64, "Lowest of the day, annualised per cent."),
        Column("dvol_close_pct", pl.Float64, "Index at the end of the day, annualised per cent."),
    ),
    key=("currency", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="15 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=3), stale_after=timedelta(days=3)
    ),
    starts_on=date(2021, 3, 24),
    fetch=fetch_dvol,
    parse=parse_dvol,
    docs_url="https://docs.deribit.com/#public-get_volatility_index_data",
)

DATASETS = (DVOL,)
