"""Hyperliquid: hourly funding and the present state of its perpetuals, without a key.

Traps:
* Everything is asked by POST at one address; what is asked for is in the document.
* Funding settles every hour: a year has 8,760 settlements. Annualising by the 1,095 of an 8 h venue is eight times off.
* At most 500 rows an answer, oldest first: continue after the last time. Times jitter by milliseconds.
* `premium` may be missing.
* There is no public history of open interest, and none of liquidations: what is not asked for now is gone.
* `metaAndAssetCtxs` is a list of two: names in one half, figures in the other, matched by position.
* `openInterest` is in coins. A coin it does not know is answered with `null`, or with HTTP 500.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, in_turn
from sources.paging import forward, milliseconds
from sources.parsing import decode_json, instant, number, rows_of, shape, table

_URL = "https://api.hyperliquid.xyz/info"

PROVIDER = Provider(
    name="hyperliquid",
    title="Hyperliquid",
    homepage="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=_URL,
    probe_content='{"type":"meta"}',
    # 1,200 units of weight a minute; an answer of 500 rows weighs 45.
    rates=(Rate(5, 1.0), Rate(24, 60.0)),
)

COINS = ("BTC", "ETH")

_PAGE_SIZE = 500


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((coin, _pages(window, client, coin)) for coin in COINS)


def _pages(window: Window, client: Client, coin: str) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        document = {
            "type": "fundingHistory",
            "coin": coin,
            "startTime": milliseconds(start),
            "endTime": milliseconds(end) - 1,
        }
        return client.post(_URL, document)

    yield from forward(window, ask, _times, page_size=_PAGE_SIZE)


def _times(body: Body) -> list[datetime]:
    frame = table(_rows(_answer(body), body), body, fields=("time",))
    return shape(frame.select("time"), body, {"time": instant("time", "ms")})["time"].to_list()


def fetch_asset_contexts(window: Window, client: Client) -> Iterator[Body]:
    # The answer is what holds now; it says nothing about a window that ended earlier.
    if client.reaches_present:
        yield client.post(_URL, {"type": "metaAndAssetCtxs"})


def _answer(body: Body) -> Any:
    answer = decode_json(body)
    if answer is None:
        raise Rejected(f"{PROVIDER.title} knows nothing of what was asked: {body.request.content}", body=body)
    return answer


def _rows(answer: Any, body: Body) -> list[dict[str, Any]]:
    if isinstance(answer, dict) and "error" in answer:
        raise Rejected(f"{PROVIDER.title} answers with an error: {answer['error']}", body=body)
    return rows_of(answer, body)


def parse_funding_rates(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(_answer(body), body),
        body,
        fields=("coin", "time", "fundingRate", "premium"),
        optional=("premium",),
    )
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("coin"),
            "settled_at": instant("time", "ms").dt.truncate("1m"),
            "interval_hours": pl.lit(1.0),
            "funding_rate": number("fundingRate"),
            "premium_ratio": number("premium"),
        },
        nullable=("premium_ratio",),
    )


def parse_asset_contexts(body: Body) -> pl.DataFrame:
    answer = _answer(body)
    if isinstance(answer, dict) and "error" in answer:
        raise Rejected(f"{PROVIDER.title} answers with an error: {answer['error']}", body=body)
    if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[0], dict):
        raise Malformed("expected names and figures as a list of two", body=body)
    names, figures = rows_of(answer[0].get("universe"), body), rows_of(answer[1], body)
    if len(names) != len(figures):
        raise Malformed(f"{len(names)} names do not match {len(figures)} rows of figures by position", body=body)
    rows = [
        {**row, "name": name.get("name")} for name, row in zip(names, figures, strict=True) if name.get("name") in COINS
    ]
    if missing := set(COINS) - {row["name"] for row in rows}:
        raise Malformed(f"{', '.join(sorted(missing))} is not among the names", body=body)
    frame = table(
        rows,
        body,
        fields=("name", "openInterest", "markPx", "oraclePx", "funding", "premium", "dayNtlVlm"),
        unused=("prevDayPx", "midPx", "impactPxs", "dayBaseVlm"),
    )
    observed_at = body.retrieved_at.astimezone(UTC).replace(second=0, microsecond=0)
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("name"),
            "observed_at": pl.lit(observed_at, dtype=UTC_DATETIME),
            "open_interest_coin": number("openInterest"),
            "mark_price": number("markPx"),
            "oracle_price": number("oraclePx"),
            "funding_rate": number("funding"),
            "interval_hours": pl.lit(1.0),
            "premium_ratio": number("premium"),
            "volume_24h_usd": number("dayNtlVlm"),
        },
        nullable=("premium_ratio",),
    )


FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Hourly funding settlements of Hyperliquid perpetuals.",
    grain="one row per symbol and settlement",
    columns=(
        Column("symbol", pl.String, "Coin of the perpetual, such as BTC."),
        Column("settled_at", UTC_DATETIME, "Settlement, floored to the minute."),
        Column("interval_hours", pl.Float64, "Hours that the rate is for: one, so a year has 8,760 settlements."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
        Column("premium_ratio", pl.Float64, "Premium of the perpetual over the oracle price; null if not said."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="13 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(hours=12)
    ),
    starts_on=date(2023, 5, 12),
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals",
)

ASSET_CONTEXTS = Dataset(
    provider=PROVIDER,
    name="asset_contexts",
    subject="leverage",
    description="Open interest, prices and funding of Hyperliquid perpetuals as of now; there is no history of them.",
    grain="one row per symbol and retrieval",
    columns=(
        Column("symbol", pl.String, "Coin of the perpetual, such as BTC."),
        Column("observed_at", UTC_DATETIME, "When it was asked for, to the minute."),
        Column("open_interest_coin", pl.Float64, "Open positions, coins."),
        Column("mark_price", pl.Float64, "Mark price, US dollars."),
        Column("oracle_price", pl.Float64, "Price of the oracle, a median over spot venues, US dollars."),
        Column("funding_rate", pl.Float64, "Rate of the hour under way, as a fraction per interval."),
        Column("interval_hours", pl.Float64, "Hours that the rate is for: one."),
        Column(
            "premium_ratio", pl.Float64, "Premium of the perpetual over the oracle price; null if the book is thin."
        ),
        Column("volume_24h_usd", pl.Float64, "Traded in the last 24 hours, US dollars."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="2 * * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(hours=12)),
    starts_on=date(2023, 5, 12),
    can_be_empty=True,
    fetch=fetch_asset_contexts,
    parse=parse_asset_contexts,
    docs_url="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals",
)

DATASETS = (FUNDING_RATES, ASSET_CONTEXTS)
