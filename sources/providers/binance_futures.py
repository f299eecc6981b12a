"""Binance USD-M futures REST: funding rates up to the last settlement, without a key.

The archive has the same history a month late; this is for the days since.

Traps:
* Addresses in the United States and many clouds get HTTP 451, with a body whose error code is 0.
* At most 1,000 rows an answer, oldest first: page forward from the last settlement.
* Settlement times jitter by milliseconds, so they are no key before they are floored to the minute.
* Numbers are text; `markPrice` is an empty text in old rows. Rows do not say which interval a rate covers.
* An error is an object where a list is expected, `{"code": -1121, "msg": ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.parsing import decode_json, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="binance_futures",
    title="Binance USD-M futures",
    homepage="https://developers.binance.com/docs/derivatives/usds-margined-futures",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://fapi.binance.com/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1",
    rates=(Rate(2, 1.0),),
)

SYMBOLS = ("BTCUSDT", "ETHUSDT")

_URL = "https://fapi.binance.com/fapi/v1/fundingRate"
_PAGE_SIZE = 1000
_TOO_MANY_REQUESTS = "-1003"


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _pages(window, client, symbol)) for symbol in SYMBOLS)


def _pages(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    start_ms, end_ms = (int(moment.timestamp() * 1000) for moment in (window.start, window.end))
    while start_ms < end_ms:
        params = {"symbol": symbol, "startTime": start_ms, "endTime": end_ms - 1, "limit": _PAGE_SIZE}
        body = client.get(_URL, params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        if len(_rows(body)) < _PAGE_SIZE:
            return
        last_ms = parse_funding_rates(body)["settled_at"].dt.timestamp("ms").max()
        if not isinstance(last_ms, int) or last_ms < start_ms:
            raise Malformed("a full page does not reach beyond the one before", body=body)
        # A minute further, as the floor takes the jitter away.
        start_ms = last_ms + 60_000


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if isinstance(answer, dict) and "code" in answer:
        problem = f"{PROVIDER.title} answers with error {answer['code']}: {answer.get('msg')}"
        raise (RateLimited if answer["code"] == _TOO_MANY_REQUESTS else Rejected)(problem, body=body)
    return rows_of(answer, body)


def parse_funding_rates(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=("symbol", "fundingTime", "fundingRate", "markPrice"),
        optional=("markPrice",),
        unused=("rateType",),
    )
    return shape(
        frame.with_columns(pl.col("markPrice").replace("", None)),
        body,
        {
            "symbol": pl.col("symbol"),
            "settled_at": instant("fundingTime", "ms").dt.truncate("1m"),
            "funding_rate": number("fundingRate"),
            "mark_price": number("markPrice"),
        },
        nullable=("mark_price",),
    )


FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding settlements of Binance USD-M perpetual futures, fresh from the exchange.",
    grain="one row per symbol and settlement",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTCUSDT."),
        Column("settled_at", UTC_DATETIME, "Settlement, floored to the minute."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
        Column("mark_price", pl.Float64, "Mark price at the settlement, US dollars; null in old rows."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="5 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=3), stale_after=timedelta(days=1)
    ),
    starts_on=date(2020, 1, 1),
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Get-Funding-Rate-History",
)

DATASETS = (FUNDING_RATES,)
