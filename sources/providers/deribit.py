"""Deribit: volatility indices, funding, and the books of futures and options of Bitcoin and Ether, without a key.

Traps:
* At most 1,000 candles an answer, the newest part of the range first; `continuation` is the end of the next request.
* The last candle is still open until its day is over.
* An error is `{"error": {"code", "message"}}`; code 10028 is "too many requests", whatever the HTTP status.
* A candle need not open where the one before closed.
* Funding rows carry no page mark, and an answer holds a month at most: funding is asked for in spans of thirty days.
* `interest_1h` is what the hour before the stamp cost; `interest_8h` looks back over eight hours, so rows overlap.
* `open_interest` of inverse futures is in US dollars, that of options and linear futures in coins: kept apart.
* A book summary says its kind and expiry in the instrument's name only: options end in -C or -P.
* Prices of inverse options are in coins, those of futures in US dollars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.paging import milliseconds
from sources.parsing import check_candles, decode_json, ended_days, instant, number, rows_of, shape, table

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

KINDS = ("future", "option")

_PUBLIC = "https://www.deribit.com/api/v2/public"
_URL = f"{_PUBLIC}/get_volatility_index_data"
_FUNDING_SPAN = timedelta(days=30)
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
        body = _ask(client, _URL, params)
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


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((currency, _funding_spans(window, client, currency)) for currency in CURRENCIES)


def _funding_spans(window: Window, client: Client, currency: str) -> Iterator[Body]:
    for span in window.split(_FUNDING_SPAN):
        params = {
            "instrument_name": f"{currency}-PERPETUAL",
            "start_timestamp": milliseconds(span.start),
            "end_timestamp": milliseconds(span.end) - 1,
        }
        body = _ask(client, f"{_PUBLIC}/get_funding_rate_history", params)
        yield body
        _any_result(body)


def fetch_book_summary(window: Window, client: Client) -> Iterator[Body]:
    # The answer is what holds now; it says nothing about a window that ended earlier.
    if client.reaches_present:
        yield from in_turn(
            (f"{currency} {kind}", _summary(client, currency, kind)) for currency in CURRENCIES for kind in KINDS
        )


def _summary(client: Client, currency: str, kind: str) -> Iterator[Body]:
    body = _ask(client, f"{_PUBLIC}/get_book_summary_by_currency", {"currency": currency, "kind": kind})
    yield body
    _any_result(body)


def _ask(client: Client, url: str, params: Mapping[str, object]) -> Body:
    # An error comes with HTTP 400 and says itself what kind it is.
    return client.get(url, params, accept=(200, 400))


def _result(body: Body) -> dict[str, Any]:
    result = _any_result(body)
    if not isinstance(result, dict) or not isinstance(result.get("data"), list):
        raise Malformed("the answer holds neither a result with data nor an error", body=body)
    return result


def _any_result(body: Body) -> Any:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with a result", body=body)
    if error := answer.get("error"):
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, error)
        problem = f"{PROVIDER.title} answers with error {code}: {message}"
        raise (RateLimited if code == _TOO_MANY_REQUESTS else Rejected)(problem, body=body)
    return answer.get("result")


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


def parse_funding_rates(body: Body) -> pl.DataFrame:
    frame = table(
        rows_of(_any_result(body), body),
        body,
        fields=("timestamp", "interest_1h", "interest_8h", "index_price", "prev_index_price"),
    )
    return shape(
        frame,
        body,
        {
            "symbol": pl.lit(body.request.param("instrument_name")),
            "settled_at": instant("timestamp", "ms").dt.truncate("1m"),
            "interval_hours": pl.lit(1.0),
            "funding_rate": number("interest_1h"),
            "funding_8h_rate": number("interest_8h"),
            "index_price": number("index_price"),
        },
        unused=("prev_index_price",),
    )


def parse_book_summary(body: Body) -> pl.DataFrame:
    frame = table(
        rows_of(_any_result(body), body),
        body,
        fields=_SUMMARY_FIELDS,
        optional=("mark_iv", "underlying_price", "current_funding", "funding_8h", "volume_usd"),
        unused=(
            *("high", "low", "last", "price_change", "interest_rate", "underlying_index", "volume_notional"),
            *("estimated_delivery_price", "creation_timestamp"),
        ),
    )
    observed_at = body.retrieved_at.astimezone(UTC).replace(second=0, microsecond=0)
    is_option = pl.col("instrument_name").str.contains("-[CP]$")
    is_in_usd = ~is_option & (pl.col("quote_currency") == "USD")
    open_interest = number("open_interest")
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("instrument_name"),
            "observed_at": pl.lit(observed_at, dtype=UTC_DATETIME),
            "kind": pl.when(is_option).then(pl.lit("option")).otherwise(pl.lit("future")),
            "asset": pl.col("base_currency").str.to_lowercase(),
            "open_interest_usd": pl.when(is_in_usd).then(open_interest),
            "open_interest_coin": pl.when(~is_in_usd).then(open_interest),
            "volume_24h_coin": number("volume"),
            "volume_24h_usd": number("volume_usd"),
            "mark_price": number("mark_price"),
            "bid_price": number("bid_price"),
            "ask_price": number("ask_price"),
            "mid_price": number("mid_price"),
            "mark_iv_pct": number("mark_iv"),
            "underlying_price": number("underlying_price"),
            "funding_rate": number("current_funding"),
            "funding_8h_rate": number("funding_8h"),
        },
        nullable=(
            *("open_interest_usd", "open_interest_coin", "volume_24h_usd", "mark_price", "bid_price", "ask_price"),
            *("mid_price", "mark_iv_pct", "underlying_price", "funding_rate", "funding_8h_rate"),
        ),
    )


_SUMMARY_FIELDS = (
    *("instrument_name", "base_currency", "quote_currency", "open_interest", "volume", "volume_usd", "mark_price"),
    *("bid_price", "ask_price", "mid_price", "mark_iv", "underlying_price", "current_funding", "funding_8h"),
)

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

FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding of the Deribit perpetuals, hour by hour.",
    grain="one row per symbol and hour",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTC-PERPETUAL."),
        Column("settled_at", UTC_DATETIME, "End of the hour that the rate is for."),
        Column("interval_hours", pl.Float64, "Hours that the rate is for: one."),
        Column("funding_rate", pl.Float64, "Paid by longs to shorts, as a fraction of the position per interval."),
        Column("funding_8h_rate", pl.Float64, "The same over the last eight hours."),
        Column("index_price", pl.Float64, "Index price at the end of the hour, US dollars."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="17 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(hours=12)
    ),
    starts_on=date(2019, 5, 1),
    chunk=timedelta(days=360),
    can_be_empty=True,
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://docs.deribit.com/#public-get_funding_rate_history",
)

BOOK_SUMMARY = Dataset(
    provider=PROVIDER,
    name="book_summary",
    subject="volatility",
    description="Open interest, prices and implied volatility of every Deribit future and option, as of now.",
    grain="one row per instrument and retrieval",
    columns=(
        Column("symbol", pl.String, "Instrument, such as BTC-27DEC24-70000-C."),
        Column("observed_at", UTC_DATETIME, "When it was asked for, to the minute."),
        Column("kind", pl.String, "future or option; perpetuals are futures."),
        Column("asset", pl.String, "Lower case asset symbol, such as btc."),
        Column("open_interest_usd", pl.Float64, "Of inverse futures, US dollars; null otherwise."),
        Column("open_interest_coin", pl.Float64, "Of options and linear futures, coins; null otherwise."),
        Column("volume_24h_coin", pl.Float64, "Traded in the last 24 hours, coins."),
        Column("volume_24h_usd", pl.Float64, "The same in US dollars."),
        Column("mark_price", pl.Float64, "Mark price: coins for options, US dollars for futures."),
        Column("bid_price", pl.Float64, "Best bid in the same currency; null if there is none."),
        Column("ask_price", pl.Float64, "Best ask in the same currency; null if there is none."),
        Column("mid_price", pl.Float64, "Their middle; null if either is missing."),
        Column("mark_iv_pct", pl.Float64, "Implied volatility at the mark price, annualised per cent; options only."),
        Column(
            "underlying_price", pl.Float64, "Price of the future the option is reckoned on, US dollars; options only."
        ),
        Column("funding_rate", pl.Float64, "Current funding as a fraction; perpetuals only."),
        Column("funding_8h_rate", pl.Float64, "Funding of the last eight hours as a fraction; perpetuals only."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="18 8 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=date(2021, 3, 24),
    can_be_empty=True,
    fetch=fetch_book_summary,
    parse=parse_book_summary,
    docs_url="https://docs.deribit.com/#public-get_book_summary_by_currency",
)

DATASETS = (DVOL, FUNDING_RATES, BOOK_SUMMARY)
