"""BitMEX: funding settlements since 2016, without a key. The longest history of leverage there is.

Traps:
* At most 500 rows an answer; oldest first only if `reverse` is false. `endTime` is part of the answer.
* Times are ISO 8601 text. `fundingInterval` is a length written as an instant: 2000-01-01T08:00:00.000Z is 8 h.
* `fundingRateDaily` is the rate times the settlements in a day.
* The venue was the market until 2019 and is a small part of it now: levels compare only with its own past.
* An error is an object where a list is expected, `{"error": {"message", "name"}}`.
* Without a key, 30 requests a minute; headers `x-ratelimit-remaining` and `Retry-After` say how many are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import RateLimited, Rejected
from sources.http import Client, in_turn
from sources.paging import forward
from sources.parsing import decode_json, number, rows_of, shape, table

_URL = "https://www.bitmex.com/api/v1/funding"

PROVIDER = Provider(
    name="bitmex",
    title="BitMEX",
    homepage="https://www.bitmex.com/app/apiOverview",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{_URL}?symbol=XBTUSD&count=1",
    rates=(Rate(2, 1.0), Rate(30, 60.0)),
)

SYMBOLS = ("XBTUSD", "ETHUSD")

_PAGE_SIZE = 500
_FORMAT = "%Y-%m-%dT%H:%M:%S%.fZ"
_NO_INTERVAL = pl.lit(datetime(2000, 1, 1), dtype=pl.Datetime("us"))


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _pages(window, client, symbol)) for symbol in SYMBOLS)


def _pages(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        params = {
            "symbol": symbol,
            "startTime": _text(start),
            "endTime": _text(end - timedelta(milliseconds=1)),
            "count": _PAGE_SIZE,
            "reverse": "false",
        }
        return client.get(_URL, params)

    yield from forward(window, ask, _times, page_size=_PAGE_SIZE)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _times(body: Body) -> list[datetime]:
    return parse_funding_rates(body)["settled_at"].to_list()


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if isinstance(answer, dict) and "error" in answer:
        error = answer["error"]
        message = str(error.get("message") if isinstance(error, dict) else error)
        problem = f"{PROVIDER.title} answers with an error: {message}"
        raise (RateLimited if "rate limit" in message.lower() else Rejected)(problem, body=body)
    return rows_of(answer, body)


def parse_funding_rates(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body), body, fields=("symbol", "timestamp", "fundingInterval", "fundingRate", "fundingRateDaily")
    )
    settled_at = pl.col("timestamp").str.to_datetime(_FORMAT, time_unit="us", strict=True)
    interval = pl.col("fundingInterval").str.to_datetime(_FORMAT, time_unit="us", strict=True) - _NO_INTERVAL
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "settled_at": settled_at.dt.replace_time_zone("UTC"),
            "interval_hours": interval.dt.total_seconds() / 3600,
            "funding_rate": number("fundingRate"),
            "funding_daily_rate": number("fundingRateDaily"),
        },
        nullable=("funding_daily_rate",),
    )


FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding settlements of BitMEX perpetual swaps since 2016.",
    grain="one row per symbol and settlement",
    columns=(
        Column("symbol", pl.String, "Contract, such as XBTUSD."),
        Column("settled_at", UTC_DATETIME, "Settlement."),
        Column("interval_hours", pl.Float64, "Hours that the rate is for."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
        Column("funding_daily_rate", pl.Float64, "The same per day, as the vendor reckons it."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="12 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=3), stale_after=timedelta(days=1)
    ),
    starts_on=date(2016, 5, 14),
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://www.bitmex.com/api/explorer/#!/Funding/Funding_get",
)

DATASETS = (FUNDING_RATES,)
