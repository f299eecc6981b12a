"""OKX v5: funding, open interest, liquidations and account ratios of its Tether swaps, without a key.

Traps:
* Errors come under HTTP 200, too, as a `code` other than the text "0": 50011 is the rate limit, 51001 an unknown
  instrument.
* All numbers and times are text, newest first; `after` asks for what is *older* than an instant.
* Funding: `fundingRate` was forecast, `realizedRate` was paid. About three months exist; rows do not say which interval
  a rate covers.
* Open interest has three units in one row: `oi` counts contracts, `oiCcy` coins, `oiUsd` US dollars. It tells of the
  present only.
* Liquidations are answered per `instFamily`; without one the answer is HTTP 400 with code 50015, which has been taken
  for the end of the endpoint. The last 24 hours exist. `sz` counts contracts and `bkPx` is the bankruptcy price, not
  that of a trade. Rows have no id and can be alike: alike rows are one row here, with how many there were. A page ends
  anywhere, also between alike rows, so the last instant of a full page is left to the next one.
* Account ratios are lists of [time, ratio] for all contracts of a coin, not of one swap. The last 30 days exist. It is
  not said whether an hour is stamped with its start or its end. It is taken for the start, which at worst makes a
  figure known an hour late, and a row counts once that hour is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected, Unreachable
from sources.http import Client, excerpt, in_turn
from sources.paging import backward, milliseconds
from sources.parsing import decode_json, instant, number, rows_of, shape, stamps, table

PROVIDER = Provider(
    name="okx",
    title="OKX",
    homepage="https://www.okx.com/docs-v5/en/",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.okx.com/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP&limit=1",
    rates=(Rate(2, 1.0),),
)

SWAPS = ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
COINS = ("BTC", "ETH")

_API = "https://www.okx.com/api/v5"
_PAGE_SIZE = 100
_HOUR = timedelta(hours=1)
_TOO_MANY_REQUESTS = frozenset({"50011", "50061"})
_BUSY = frozenset({"50001", "50004", "50013", "50026"})
_GONE = (200, 400, 404, 410)
"""Statuses of an endpoint that may have been withdrawn: each is an answer, and what it says is kept."""

_FUNDING_DEPTH = timedelta(days=95)
_LIQUIDATIONS_DEPTH = timedelta(days=7)
"""More than there is, so that a longer history would be taken."""
_RATIOS_DEPTH = timedelta(days=30) - _HOUR
_HISTORY_MOVES = date(2021, 1, 1)
"""Every history here is a window that moves; a backfill asks from here and gets what is left."""


def fetch_funding_rates(window: Window, client: Client) -> Iterator[Body]:
    if span := _what_is_left(window, client, _FUNDING_DEPTH):
        yield from in_turn((swap, _settlements(span, client, swap)) for swap in SWAPS)


def _what_is_left(window: Window, client: Client, depth: timedelta) -> Window | None:
    """The part of a window that the provider still has."""
    start = max(window.start, client.now - depth)
    return Window(start, window.end) if start < window.end else None


def _settlements(window: Window, client: Client, swap: str) -> Iterator[Body]:
    def ask(_: datetime, end: datetime) -> Body:
        params = {"instId": swap, "after": milliseconds(end), "limit": _PAGE_SIZE}
        return client.get(f"{_API}/public/funding-rate-history", params)

    yield from backward(window, ask, lambda body: stamps(_rows(body), body, "fundingTime"), page_size=_PAGE_SIZE)


def _data(body: Body) -> list[Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or "code" not in answer:
        raise Malformed("expected an object with a code", body=body)
    if (code := str(answer["code"])) != "0":
        problem = f"{PROVIDER.title} answers with error {code}: {answer.get('msg')}"
        if code in _TOO_MANY_REQUESTS:
            raise RateLimited(problem, remedy="run again later; what was fetched so far is kept", body=body)
        if code in _BUSY:
            raise Unreachable(problem, remedy="the provider has trouble; run again later", body=body)
        raise Rejected(problem, body=body)
    data = answer.get("data")
    if not isinstance(data, list):
        raise Malformed("the answer holds no list of data", body=body)
    return data


def _rows(body: Body) -> list[dict[str, Any]]:
    return rows_of(_data(body), body)


def parse_funding_rates(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=("instId", "fundingTime", "fundingRate", "realizedRate"),
        unused=("instType", "method", "formulaType"),
    )
    return shape(
        frame.with_columns(pl.col("fundingRate", "realizedRate").replace("", None)),
        body,
        {
            "symbol": pl.col("instId"),
            "settled_at": instant("fundingTime", "ms").dt.truncate("1m"),
            "funding_rate": number("realizedRate"),
            "forecast_funding_rate": number("fundingRate"),
        },
        # A settlement under way is forecast and not paid yet; the forecast never stands in for what is paid.
        nullable=("funding_rate", "forecast_funding_rate"),
    )


def fetch_open_interest(window: Window, client: Client) -> Iterator[Body]:
    if client.reaches_present:
        yield from in_turn((swap, _open_interest(client, swap)) for swap in SWAPS)


def _open_interest(client: Client, swap: str) -> Iterator[Body]:
    body = client.get(f"{_API}/public/open-interest", {"instType": "SWAP", "instId": swap})
    yield body
    # An error in it is one of the asking, too: after a rate limit the next swap is not asked for.
    _data(body)


def parse_open_interest(body: Body) -> pl.DataFrame:
    frame = table(_rows(body), body, fields=("instId", "ts", "oi", "oiCcy", "oiUsd"), unused=("instType",))
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("instId"),
            "observed_at": instant("ts", "ms").dt.truncate("1m"),
            "open_interest_contracts": number("oi"),
            "open_interest_coin": number("oiCcy"),
            "open_interest_usd": number("oiUsd"),
        },
    )


def fetch_liquidations(window: Window, client: Client) -> Iterator[Body]:
    if span := _what_is_left(window, client, _LIQUIDATIONS_DEPTH):
        yield from in_turn((swap, _liquidations(span, client, swap)) for swap in SWAPS)


def _liquidations(window: Window, client: Client, swap: str) -> Iterator[Body]:
    def ask(_: datetime, end: datetime) -> Body:
        params = {
            "instType": "SWAP",
            "instFamily": swap.removesuffix("-SWAP"),
            "state": "filled",
            # The instant where a page ended is asked for again: rows that are alike may lie on both sides.
            "after": milliseconds(end) + 1,
            "limit": _PAGE_SIZE,
        }
        return client.get(f"{_API}/public/liquidation-orders", params, accept=_GONE)

    # A millisecond more, so that the instant a full page leaves to the next one is never that of the start.
    span = Window(window.start - timedelta(milliseconds=1), window.end)
    yield from backward(span, ask, lambda body: stamps(_details(body), body, "ts"), page_size=_PAGE_SIZE)


def _details(body: Body) -> list[dict[str, Any]]:
    """Liquidations with the contract that they are listed below."""
    if body.status != 200:
        raise Rejected(
            f"{PROVIDER.title} does not answer for liquidations (HTTP {body.status}): {excerpt(body)}",
            remedy="code 50015 says that the parameters are not what it expects; a 404 or 410, or any other code, that"
            " the endpoint was withdrawn: then this dataset is over, and nothing free replaces it but a recording of"
            " the feed",
            body=body,
        )
    rows: list[dict[str, Any]] = []
    for contract in _rows(body):
        shared = {name: value for name, value in contract.items() if name != "details"}
        rows += [{**shared, **detail} for detail in rows_of(contract.get("details"), body)]
    return rows


def parse_liquidations(body: Body) -> pl.DataFrame:
    rows = _details(body)
    frame = table(
        rows,
        body,
        fields=("instId", "ts", "side", "posSide", "bkPx", "sz"),
        unused=("instType", "instFamily", "uly", "totalLoss", "bkLoss", "ccy"),
    )
    # An account without separate sides has its position closed by the opposite order.
    by_order = pl.col("side").replace_strict({"sell": "long", "buy": "short"}, default=None)
    by_name = pl.col("posSide").replace_strict({"long": "long", "short": "short"}, default=None)
    key = LIQUIDATIONS.key
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.col("instId"),
            "occurred_at": instant("ts", "ms"),
            "position_side": pl.coalesce(by_name, by_order),
            "bankruptcy_price": number("bkPx"),
            "size_contracts": number("sz"),
        },
    )
    if len(rows) >= int(body.request.param("limit") or _PAGE_SIZE):
        shaped = shaped.filter(pl.col("occurred_at") > pl.col("occurred_at").min())
    alike = shaped.group_by(key, maintain_order=True)
    return alike.agg(pl.len().cast(pl.Int64).alias("liquidation_count"), pl.exclude(key).first())


def fetch_account_ratios(window: Window, client: Client) -> Iterator[Body]:
    if span := _what_is_left(window, client, _RATIOS_DEPTH):
        yield from in_turn((coin, _ratios(span, client, coin)) for coin in COINS)


def _ratios(window: Window, client: Client, coin: str) -> Iterator[Body]:
    end = window.end
    while True:
        params: Mapping[str, object] = {
            "ccy": coin,
            "period": "1H",
            "begin": milliseconds(window.start),
            "end": milliseconds(end),
        }
        body = client.get(f"{_API}/rubik/stat/contracts/long-short-account-ratio", params)
        yield body
        oldest = min(stamps(_pairs(body), body, "ts"), default=None)
        # All at once by its documentation. Should an answer be cut, the rest is behind its oldest row.
        if oldest is None or oldest < window.start + _HOUR or oldest >= end:
            return
        end = oldest


def _pairs(body: Body) -> list[dict[str, Any]]:
    """Rows that come without names; a further cell is called by its position."""
    pairs = _data(body)
    if not all(isinstance(pair, list) and len(pair) >= 2 for pair in pairs):
        raise Malformed("a row is not at least a time and a ratio", body=body)
    further = [f"column_{position}" for position in range(3, max(map(len, pairs), default=2) + 1)]
    return [dict(zip(("ts", "ratio", *further), pair, strict=False)) for pair in pairs]


def parse_account_ratios(body: Body) -> pl.DataFrame:
    shaped = shape(
        table(_pairs(body), body, fields=("ts", "ratio")),
        body,
        {
            "asset": pl.lit(body.request.param("ccy").lower()),
            "opened_at": instant("ts", "ms"),
            "account_long_short_ratio": number("ratio"),
        },
    )
    # The cells have no names, so a count or a volume that was put in their place has to be told by its size.
    if not shaped["account_long_short_ratio"].is_between(0.0, 1000.0).all():
        raise Malformed("a ratio of accounts is beyond all reason: have the columns been moved?", body=body)
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at)


_SYMBOL = Column("symbol", pl.String, "Contract, such as BTC-USDT-SWAP.")

FUNDING_RATES = Dataset(
    provider=PROVIDER,
    name="funding_rates",
    subject="leverage",
    description="Funding settlements of OKX Tether swaps, as paid and as forecast, over the last three months.",
    grain="one row per symbol and settlement",
    columns=(
        _SYMBOL,
        Column("settled_at", UTC_DATETIME, "Settlement, floored to the minute."),
        Column(
            "funding_rate",
            pl.Float64,
            "Paid by longs to shorts, as a fraction of the position per interval; null before.",
        ),
        Column("forecast_funding_rate", pl.Float64, "What was forecast for the settlement, the same fraction."),
    ),
    key=("symbol", "settled_at"),
    time_column="settled_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="7 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=3), stale_after=timedelta(days=1)
    ),
    starts_on=_HISTORY_MOVES,
    fetch=fetch_funding_rates,
    parse=parse_funding_rates,
    docs_url="https://www.okx.com/docs-v5/en/#public-data-rest-api-get-funding-rate-history",
    can_be_empty=True,
)

OPEN_INTEREST = Dataset(
    provider=PROVIDER,
    name="open_interest",
    subject="leverage",
    description="Open interest of OKX Tether swaps as it stands, in contracts, coins and US dollars.",
    grain="one row per symbol and look",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "When it was so by the vendor's clock, floored to the minute."),
        Column("open_interest_contracts", pl.Float64, "Open interest in contracts."),
        Column("open_interest_coin", pl.Float64, "Open interest in the base coin."),
        Column("open_interest_usd", pl.Float64, "Open interest in US dollars."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="0 * * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(hours=6)),
    starts_on=_HISTORY_MOVES,
    fetch=fetch_open_interest,
    parse=parse_open_interest,
    docs_url="https://www.okx.com/docs-v5/en/#public-data-rest-api-get-open-interest",
    can_be_empty=True,
)

LIQUIDATIONS = Dataset(
    provider=PROVIDER,
    name="liquidations",
    subject="leverage",
    description="Forced closures of positions in OKX Tether swaps, of the last 24 hours.",
    grain="one row per symbol, instant, side, price and size",
    columns=(
        _SYMBOL,
        Column("occurred_at", UTC_DATETIME, "When the position was closed."),
        Column("position_side", pl.String, "Which side was closed: long or short."),
        Column(
            "bankruptcy_price", pl.Float64, "Price at which the position's margin is gone, US dollars (Tether at par)."
        ),
        Column("size_contracts", pl.Float64, "Size of one closure, contracts."),
        Column("liquidation_count", pl.Int64, "Closures that are alike in all the rest."),
    ),
    key=("symbol", "occurred_at", "position_side", "bankruptcy_price", "size_contracts"),
    time_column="occurred_at",
    period=timedelta(0),
    cadence=Cadence(
        cron="12 * * * *",
        lag=timedelta(minutes=5),
        revised_for=timedelta(hours=1),
        stale_after=timedelta(days=1),
    ),
    starts_on=_HISTORY_MOVES,
    fetch=fetch_liquidations,
    parse=parse_liquidations,
    docs_url="https://www.okx.com/docs-v5/en/#public-data-rest-api-get-liquidation-orders",
    can_be_empty=True,
)

ACCOUNT_RATIOS = Dataset(
    provider=PROVIDER,
    name="account_ratios",
    subject="leverage",
    description="Long over short accounts in all OKX contracts of a coin, every hour of the last 30 days.",
    grain="one row per asset and hour",
    columns=(
        Column("asset", pl.String, "btc or eth."),
        Column("opened_at", UTC_DATETIME, "Start of the hour, taking the stamp for it."),
        Column("account_long_short_ratio", pl.Float64, "Accounts that are net long over accounts that are net short."),
    ),
    key=("asset", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="9 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=1)
    ),
    starts_on=_HISTORY_MOVES,
    fetch=fetch_account_ratios,
    parse=parse_account_ratios,
    docs_url="https://www.okx.com/docs-v5/en/#trading-statistics-rest-api-get-long-short-ratio",
    can_be_empty=True,
)

DATASETS = (FUNDING_RATES, OPEN_INTEREST, LIQUIDATIONS, ACCOUNT_RATIOS)
