"""Bitfinex: every liquidation, and how large the margin positions of each side are, without a key.

A small venue, but its liquidations are complete, where the large ones report at most one a second: the yardstick for
how much is censored there.

Traps:
* Rows are lists whose figures go by position, with nulls between; each liquidation is wrapped in one more list.
* An amount above zero is a long position that was liquidated, one below zero a short position.
* A liquidation is told twice: first that it was triggered (`is_match` 0), then that it was executed (1). Only the
  second has a price, and only one of them may be summed.
* Position sizes come by the minute only, at most 10,000 an answer. They are asked for in spans of six whole days, which
  always fit, and the last minute of each hour is kept.
* How far back the minutes go is not documented: an older span has no rows, which is no error.
* Three requests a minute for liquidations, fifteen for the rest; whoever asks more often is shut out for a minute.
* An error is `["error", 10020, "limit: invalid"]`, mostly with HTTP 500, or `{"error": "ERR_RATE_LIMIT"}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.http import Client, excerpt, in_turn
from sources.paging import milliseconds
from sources.parsing import decode_json, instant, number, shape, table, whole

_URL = "https://api-pub.bitfinex.com/v2"

PROVIDER = Provider(
    name="bitfinex",
    title="Bitfinex",
    homepage="https://docs.bitfinex.com/reference",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{_URL}/stats1/pos.size:1m:tBTCUSD:long/hist?limit=1",
    rates=(Rate(3, 60.0),),
)

SYMBOLS = ("tBTCUSD", "tETHUSD")
SIDES = ("long", "short")

_LIQUIDATIONS_PAGE = 500
_SIZES_PAGE = 10_000
_SPAN = timedelta(days=6)
"""Its minutes, 8,640, fit into one answer."""

_HOUR = timedelta(hours=1)
_LIQUIDATION = {
    1: "position_id",
    2: "mts",
    4: "symbol",
    5: "amount",
    6: "base_price",
    8: "is_match",
    9: "is_market_sold",
    11: "price_acquired",
}
"""What stands where in a liquidation; what is between are place holders."""

_LIQUIDATION_WIDTH = 12
_SIZE = {0: "mts", 1: "size"}
_TOO_MANY_REQUESTS = ("11010", "ERR_RATE_LIMIT")


def fetch_liquidations(window: Window, client: Client) -> Iterator[Body]:
    start_ms, end_ms = milliseconds(window.start), milliseconds(window.end) - 1
    while start_ms <= end_ms:
        params = {"start": start_ms, "end": end_ms, "limit": _LIQUIDATIONS_PAGE, "sort": 1}
        body = _get(client, f"{_URL}/liquidations/hist", params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        stamps = [milliseconds(moment) for moment in parse_liquidations(body)["liquidated_at"]]
        if len(stamps) < _LIQUIDATIONS_PAGE:
            return
        if min(stamps) < start_ms:
            raise Malformed("a full page does not reach beyond the one before", body=body)
        # The last millisecond is asked for again, because a page can end in the middle of it.
        start_ms = max(stamps) if max(stamps) > start_ms else start_ms + 1


def fetch_position_sizes(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn(
        (f"{symbol} {side}", _spans(window, client, symbol, side)) for symbol in SYMBOLS for side in SIDES
    )


def _spans(window: Window, client: Client, symbol: str, side: str) -> Iterator[Body]:
    # Whole hours, so that no hour is ever told by two answers.
    last = window.end - timedelta(microseconds=1)
    start, end = _hour_of(window.start), _hour_of(last) + _HOUR
    for span in Window(start, end).split(_SPAN):
        params = {
            "start": milliseconds(span.start),
            "end": milliseconds(span.end) - 1,
            "limit": _SIZES_PAGE,
            "sort": 1,
        }
        body = _get(client, f"{_URL}/stats1/pos.size:1m:{symbol}:{side}/hist", params)
        yield body
        if len(_rows(body)) >= _SIZES_PAGE:
            raise Malformed(f"more than a minute's figure a minute: a page of {_SIZES_PAGE} was full", body=body)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _get(client: Client, url: str, params: Mapping[str, object]) -> Body:
    try:
        return client.get(url, params)
    except Unreachable as error:
        # Errors come with HTTP 500 too. That is retried like any other, but the reason is the one that is given.
        if error.body is None or (told := _error(error.body)) is None:
            raise
        told.where = error.where
        raise told from None


def _error(body: Body) -> SourceError | None:
    """The error an answer tells, if it tells one."""
    try:
        answer = decode_json(body)
    except Malformed:
        return None
    if isinstance(answer, dict) and "error" in answer:
        code, message = answer["error"], ""
    elif isinstance(answer, list) and answer[:1] == ["error"]:
        code, message = (*answer[1:3], None, None)[:2]
    else:
        return None
    problem = f"{PROVIDER.title} answers with error {code}{f': {message}' if message else ''}"
    return (RateLimited if str(code) in _TOO_MANY_REQUESTS else Rejected)(problem, body=body)


def _rows(body: Body) -> list[list[Any]]:
    answer = decode_json(body)
    if (error := _error(body)) is not None:
        raise error
    if not isinstance(answer, list) or not all(isinstance(row, list) for row in answer):
        raise Malformed(f"expected a list of lists: {excerpt(body)!r}", body=body)
    return answer


def _named(rows: list[list[Any]], names: Mapping[int, str], width: int, body: Body) -> pl.DataFrame:
    """Rows whose figures go by position as a frame; places beyond `width` are called by their number."""
    if any(len(row) < width for row in rows):
        raise Malformed(f"a row is not at least {width} values", body=body)
    named = [
        {
            **{name: row[position] for position, name in names.items()},
            **{f"column_{position + 1}": row[position] for position in range(width, len(row))},
        }
        for row in rows
    ]
    return table(named, body, fields=tuple(names.values()))


def parse_liquidations(body: Body) -> pl.DataFrame:
    rows = []
    for row in _rows(body):
        inner = row if row and isinstance(row[0], list) else [row]
        rows += [event for event in inner if isinstance(event, list)]
        if not all(isinstance(event, list) and event[:1] == ["pos"] for event in inner):
            raise Malformed("a liquidation does not begin with 'pos'", body=body)
    frame = _named(rows, _LIQUIDATION, _LIQUIDATION_WIDTH, body)
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "position_id": whole("position_id"),
            "liquidated_at": instant("mts", "ms"),
            "is_executed": _flag("is_match"),
            "is_market_sold": _flag("is_market_sold"),
            "amount_coin": number("amount"),
            "entry_price": number("base_price"),
            "liquidation_price": number("price_acquired"),
        },
        nullable=("is_market_sold", "entry_price", "liquidation_price"),
    )


def _flag(name: str) -> pl.Expr:
    return pl.col(name).replace_strict({"0": False, "1": True, None: None}, return_dtype=pl.Boolean)


def parse_position_sizes(body: Body) -> pl.DataFrame:
    symbol, side = _series_of(body)
    frame = _named(_rows(body), _SIZE, len(_SIZE), body)
    minutes = shape(
        frame,
        body,
        {
            "symbol": pl.lit(symbol),
            "side": pl.lit(side),
            "opened_at": instant("mts", "ms"),
            # Whether the size of shorts has a sign is not documented.
            "position_size_coin": number("size").abs(),
        },
    )
    hours = (
        minutes.sort("opened_at")
        .with_columns(pl.col("opened_at").dt.truncate("1h"))
        .unique(["symbol", "side", "opened_at"], keep="last", maintain_order=True)
    )
    return hours.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at.astimezone(UTC))


def _series_of(body: Body) -> tuple[str, str]:
    """Symbol and side in an address such as `.../stats1/pos.size:1m:tBTCUSD:long/hist`."""
    parts = body.request.url.split("/")[-2].split(":")
    return parts[-2], parts[-1]


LIQUIDATIONS = Dataset(
    provider=PROVIDER,
    name="liquidations",
    subject="leverage",
    description="Every liquidation of a margin or derivative position on Bitfinex, trigger and execution apart.",
    grain="one row per position, instant and stage",
    columns=(
        Column("symbol", pl.String, "Pair, such as tBTCUSD or tBTCF0:USTF0."),
        Column("position_id", pl.Int64, "Position."),
        Column("liquidated_at", UTC_DATETIME, "When it was triggered or executed."),
        Column("is_executed", pl.Boolean, "False for the trigger, true for the execution: sum one of them only."),
        Column(
            "is_market_sold", pl.Boolean, "True if sold into the market, false if the venue took the position over."
        ),
        Column("amount_coin", pl.Float64, "Size of the position, coins: above zero a long, below zero a short."),
        Column("entry_price", pl.Float64, "Price at which the position was entered, quote currency."),
        Column("liquidation_price", pl.Float64, "Price at which it was closed, quote currency; null for a trigger."),
    ),
    key=("position_id", "liquidated_at", "is_executed"),
    time_column="liquidated_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="14 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=2)
    ),
    starts_on=date(2021, 1, 1),
    chunk=timedelta(days=31),
    can_be_empty=True,
    fetch=fetch_liquidations,
    parse=parse_liquidations,
    docs_url="https://docs.bitfinex.com/reference/rest-public-liquidations",
)

POSITION_SIZES = Dataset(
    provider=PROVIDER,
    name="position_sizes",
    subject="leverage",
    description="Margin positions on Bitfinex by side, at the end of each hour.",
    grain="one row per symbol, side and hour",
    columns=(
        Column("symbol", pl.String, "Pair, such as tBTCUSD."),
        Column("side", pl.String, "long or short."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("position_size_coin", pl.Float64, "All positions of that side at the end of the hour, coins."),
    ),
    key=("symbol", "side", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="16 */4 * * *", lag=timedelta(minutes=5), revised_for=timedelta(hours=1), stale_after=timedelta(days=1)
    ),
    starts_on=date(2024, 1, 1),
    chunk=timedelta(days=30),
    can_be_empty=True,
    fetch=fetch_position_sizes,
    parse=parse_position_sizes,
    docs_url="https://docs.bitfinex.com/reference/rest-public-stats1",
)

DATASETS = (LIQUIDATIONS, POSITION_SIZES)
