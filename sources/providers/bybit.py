"""Bybit v5: open interest, funding and long/short ratios of USDT perpetuals back to their listing, without a key.

Traps:
* Errors come under HTTP 200, as a `retCode` other than 0: 10006 and 10018 are the rate limit.
* HTTP 403 has three causes, and its page of HTML tells none of them from the others.
* Lists are newest first. All values are text, times as well; only the envelope's own `time` is a number.
* Funding has no cursor: page backward by `endTime`. A start without an end is an error.
* Open interest and ratios have a cursor that comes URL-encoded; it is decoded first, so that it is encoded once. The
  ids in it are the vendor's own affair. A cursor of zeros, or none, is the end; a page that reaches no further back
  than the one before is an error rather than the end of history.
* `openInterest` counts both sides of a position. `singleOpenInterest` counts one and is about half, not exactly; rows
  without it have no figure that can be compared with other venues, and none is made up for them.
* Funding rows do not say which interval a rate covers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, Unreachable
from sources.http import Client, in_turn
from sources.paging import backward, milliseconds
from sources.parsing import decode_json, instant, number, rows_of, shape, stamps, table

PROVIDER = Provider(
    name="bybit",
    title="Bybit",
    homepage="https://bybit-exchange.github.io/docs/v5/intro",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.bybit.com/v5/market/funding/history?category=linear&symbol=BTCUSDT&limit=1",
    rates=(Rate(5, 1.0),),
)

SYMBOLS = ("BTCUSDT", "ETHUSDT")

_MARKET = "https://api.bybit.com/v5/market"
_PAGE_SIZE = 200
_RATIO_PAGE_SIZE = 500
_HOUR = timedelta(hours=1)
_TOO_MANY_REQUESTS = frozenset({"10006", "10018"})
_NOT_FROM_HERE = frozenset({"10009", "10024"})
_BUSY = frozenset({"10000", "10016"})
_NO_MORE = frozenset({"", "lastid=0&lasttime=0"})
_FORBIDDEN = (
    "HTTP 403 is Bybit's answer to three things: too many requests from this address (wait ten minutes), an address in"
    " a country it does not serve such as the United States (try from another network), and a GET with a body (none of"
    " ours has one, but a proxy may add it)"
)


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _settlements(window, client, symbol)) for symbol in SYMBOLS)


def _settlements(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        return _ask(client, "funding/history", {"symbol": symbol, **_span(start, end), "limit": _PAGE_SIZE})

    def times(body: Body) -> list[datetime]:
        return stamps(_rows(_result(body), body), body, "fundingRateTimestamp")

    yield from backward(window, ask, times, page_size=_PAGE_SIZE)


def fetch_open_interest(window: Window, client: Client) -> Iterator[Body]:
    yield from _hours(window, client, "open-interest", {"intervalTime": "1h", "limit": _PAGE_SIZE})


def fetch_account_ratios(window: Window, client: Client) -> Iterator[Body]:
    yield from _hours(window, client, "account-ratio", {"period": "1h", "limit": _RATIO_PAGE_SIZE})


def _hours(window: Window, client: Client, path: str, params: Mapping[str, object]) -> Iterator[Body]:
    series = ((symbol, {"symbol": symbol, **params}) for symbol in SYMBOLS)
    yield from in_turn((symbol, _by_cursor(window, client, path, asked)) for symbol, asked in series)


def _by_cursor(window: Window, client: Client, path: str, params: Mapping[str, object]) -> Iterator[Body]:
    cursor, reached = "", window.end
    while True:
        behind = {"cursor": cursor} if cursor else {}
        body = _ask(client, path, {**params, **_span(window.start, window.end), **behind})
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        result = _result(body)
        oldest = min(stamps(_rows(result, body), body, "timestamp"), default=None)
        cursor = unquote(str(result.get("nextPageCursor") or ""))
        # A cursor may lead on past the start that was asked for; a first page beyond the end has nothing of the window.
        if oldest is None or oldest < window.start + _HOUR or cursor in _NO_MORE or (not behind and oldest >= reached):
            return
        if oldest >= reached:
            raise Malformed("the page behind a cursor does not reach further back than the one before", body=body)
        reached = oldest


def _span(start: datetime, end: datetime) -> dict[str, object]:
    return {"startTime": milliseconds(start), "endTime": milliseconds(end) - 1}


def _ask(client: Client, path: str, params: Mapping[str, object]) -> Body:
    try:
        return client.get(f"{_MARKET}/{path}", {"category": "linear", **params})
    except Blocked as refusal:
        if refusal.body is not None and refusal.body.status == 403:
            refusal.remedy = _FORBIDDEN
        raise


def _result(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or "retCode" not in answer:
        raise Malformed("expected an object with a retCode", body=body)
    if (code := str(answer["retCode"])) != "0":
        problem = f"{PROVIDER.title} answers with error {code}: {answer.get('retMsg')}"
        if code in _TOO_MANY_REQUESTS:
            raise RateLimited(problem, remedy="run again later; what was fetched so far is kept", body=body)
        if code in _NOT_FROM_HERE:
            raise Blocked(problem, remedy="it refuses this address; try from another network", body=body)
        if code in _BUSY:
            raise Unreachable(problem, remedy="the provider has trouble; run again later", body=body)
        raise Rejected(problem, body=body)
    result = answer.get("result")
    if not isinstance(result, dict):
        raise Malformed("the answer holds no result", body=body)
    return result


def _rows(result: Mapping[str, Any], body: Body) -> list[dict[str, Any]]:
    if (symbol := result.get("symbol", body.request.param("symbol"))) != body.request.param("symbol"):
        raise Malformed(f"asked for {body.request.param('symbol')}, got {symbol}", body=body)
    return rows_of(result.get("list"), body)


def parse_funding_rates(body: Body) -> pl.DataFrame:
    return shape(
        table(_rows(_result(body), body), body, fields=("symbol", "fundingRateTimestamp", "fundingRate")),
        body,
        {
            "symbol": pl.col("symbol"),
            "settled_at": instant("fundingRateTimestamp", "ms").dt.truncate("1m"),
            "funding_rate": number("fundingRate"),
        },
    )


def parse_open_interest(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(_result(body), body),
        body,
        fields=("timestamp", "openInterest", "singleOpenInterest"),
        optional=("singleOpenInterest",),
    )
    return shape(
        frame.with_columns(pl.col("singleOpenInterest").replace("", None)),
        body,
        {
            "symbol": pl.lit(body.request.param("symbol")),
            "observed_at": instant("timestamp", "ms"),
            "open_interest_double_sided_coin": number("openInterest"),
            "open_interest_coin": number("singleOpenInterest"),
        },
        nullable=("open_interest_coin",),
    )


def parse_account_ratios(body: Body) -> pl.DataFrame:
    shaped = shape(
        table(_rows(_result(body), body), body, fields=("symbol", "timestamp", "buyRatio", "sellRatio")),
        body,
        {
            "symbol": pl.col("symbol"),
            "observed_at": instant("timestamp", "ms"),
            "long_account_ratio": number("buyRatio"),
            "short_account_ratio": number("sellRatio"),
            # Shares have four decimals, and where nobody is short there is nothing to divide by.
            "account_long_short_ratio": pl.when(number("sellRatio") > 0).then(number("buyRatio") / number("sellRatio")),
        },
        nullable=("account_long_short_ratio",),
    )
    whole = shaped["long_account_ratio"] + shaped["short_account_ratio"]
    if not whole.is_between(0.99, 1.01).all():
        raise Malformed("the shares of long and short accounts do not make a whole", body=body)
    return shaped


_HOURLY = Cadence(
    cron="8 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=1)
)
_SYMBOL = Column("symbol", pl.String, "Contract, such as BTCUSDT.")
_YEAR = timedelta(days=366)

FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding settlements of Bybit USDT perpetuals.",
    grain="one row per symbol and settlement",
    columns=(
        _SYMBOL,
        Column("settled_at", UTC_DATETIME, "Settlement, floored to the minute."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="6 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=3), stale_after=timedelta(days=1)
    ),
    starts_on=date(2020, 3, 25),
    chunk=_YEAR,
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://bybit-exchange.github.io/docs/v5/market/history-fund-rate",
    can_be_empty=True,
)

OPEN_INTEREST = Dataset(
    provider=PROVIDER,
    name="open_interest",
    subject="leverage",
    description="Open interest of Bybit USDT perpetuals, every hour, counted on both sides and on one.",
    grain="one row per symbol and hour",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "Instant the positions were counted."),
        Column(
            "open_interest_double_sided_coin",
            pl.Float64,
            "Longs and shorts together, base coin: about twice the usual.",
        ),
        Column("open_interest_coin", pl.Float64, "One side counted, base coin; null where the venue does not say."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=_HOURLY,
    starts_on=date(2020, 8, 1),
    chunk=_YEAR,
    fetch=fetch_open_interest,
    parse=parse_open_interest,
    docs_url="https://bybit-exchange.github.io/docs/v5/market/open-interest",
    can_be_empty=True,
)

ACCOUNT_RATIOS = Dataset(
    provider=PROVIDER,
    name="account_ratios",
    subject="leverage",
    description="Shares of Bybit accounts that are long and short in a USDT perpetual, every hour.",
    grain="one row per symbol and hour",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "Instant the figure is stamped with."),
        Column("long_account_ratio", pl.Float64, "Long accounts over all that hold the contract."),
        Column("short_account_ratio", pl.Float64, "Short accounts over all that hold the contract."),
        Column("account_long_short_ratio", pl.Float64, "Long over short accounts; null where nobody is short."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=_HOURLY,
    starts_on=date(2020, 7, 20),
    chunk=_YEAR,
    fetch=fetch_account_ratios,
    parse=parse_account_ratios,
    docs_url="https://bybit-exchange.github.io/docs/v5/market/long-short-ratio",
    can_be_empty=True,
)

DATASETS = (FUNDING_RATES, OPEN_INTEREST, ACCOUNT_RATIOS)
