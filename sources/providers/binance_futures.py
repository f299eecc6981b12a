"""Binance USD-M futures REST: funding, open interest, long/short ratios and marks up to the present, without a key.

The archive has the history of funding a month late and the other figures a day late; this is for the time since.
`binance_vision__um_metrics` holds open interest and ratios of the same contracts in the same units every five minutes:
a row here belongs to the row there whose `period_ended_at` is this row's `observed_at`, and where both exist the
archive's is the one to use. Taker volume is of a whole hour here and of five minutes there, so it does not join.

Traps:
* Addresses in the United States and many clouds get HTTP 451, with a body whose error code is 0.
* Funding: at most 1,000 rows an answer, oldest first: page forward from the last settlement. Settlement times jitter by
  milliseconds, so they are no key before they are floored to the minute.
* Statistics (`/futures/data/...`): only the last 30 days exist, and a start before that is HTTP 400 with code -1130.
  At most 500 rows an answer, and nobody says which end of a longer span is cut, so no request spans more than that.
* Open interest is stamped with its instant: its price is the mark price of a settlement at that stamp. Rows of taker
  volume do not say whether they are stamped with the start or the end of the hour. They are taken for the start, which
  at worst makes a figure known an hour late, and a row counts once that hour is over.
* Numbers are text and times are numbers, or text as well; `markPrice` is an empty text in old rows. Funding rows do not
  say which interval a rate covers, taker rows do not say of which symbol they are.
* `fundingInfo` lists only symbols whose interval or caps were adjusted: one that is not there has the usual 8 hours.
* `lastFundingRate` of the premium index is no settled rate: it moves until the settlement.
* An error is an object where a list is expected, `{"code": -1121, "msg": ...}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.paging import forward, milliseconds
from sources.parsing import decode_json, instant, number, rows_of, shape, table, whole

PROVIDER = Provider(
    name="binance_futures",
    title="Binance USD-M futures",
    homepage="https://developers.binance.com/docs/derivatives/usds-margined-futures",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://fapi.binance.com/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1",
    rates=(Rate(2, 1.0),),
)

SYMBOLS = ("BTCUSDT", "ETHUSDT")

_HOST = "https://fapi.binance.com"
_URL = f"{_HOST}/fapi/v1/fundingRate"
_PAGE_SIZE = 1000
_TOO_MANY_REQUESTS = "-1003"

_STATISTICS_PAGE_SIZE = 500
_HOUR = timedelta(hours=1)
_STATISTICS_DEPTH = timedelta(days=30) - _HOUR
"""An hour less than there is, because the provider's clock is not ours."""
_HISTORY_MOVES = date(2021, 1, 1)
"""The history of the statistics is a window that moves; a backfill asks from here and gets what is left."""


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


def _statistics(path: str) -> Callable[[Window, Client], Iterator[Body]]:
    """The fetch of hourly statistics, which have no history but the last 30 days."""

    def fetch(window: Window, client: Client) -> Iterator[Body]:
        start = max(window.start, client.now - _STATISTICS_DEPTH)
        if start >= window.end:
            return
        span = Window(start, window.end)
        yield from in_turn((symbol, _hours(span, client, path, symbol)) for symbol in SYMBOLS)

    return fetch


def _hours(window: Window, client: Client, path: str, symbol: str) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        params = {
            "symbol": symbol,
            "period": "1h",
            "startTime": milliseconds(start),
            "endTime": milliseconds(end) - 1,
            "limit": _STATISTICS_PAGE_SIZE,
        }
        return client.get(f"{_HOST}/futures/data/{path}", params)

    yield from forward(window, ask, _stamps, page_size=_STATISTICS_PAGE_SIZE, step=_STATISTICS_PAGE_SIZE * _HOUR)


def _stamps(body: Body) -> list[datetime]:
    frame = table(_rows(body), body, fields=("timestamp",))
    return shape(frame.select("timestamp"), body, {"at": instant("timestamp", "ms")})["at"].to_list()


def parse_open_interest(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=("symbol", "timestamp", "sumOpenInterest", "sumOpenInterestValue"),
        unused=("CMCCirculatingSupply",),
    )
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "observed_at": instant("timestamp", "ms"),
            "open_interest_coin": number("sumOpenInterest"),
            "open_interest_usd": number("sumOpenInterestValue"),
        },
    )


def _long_short(column: str) -> Callable[[Body], pl.DataFrame]:
    """The parse of a long/short ratio; the two shares beside it say the same once more."""

    def parse(body: Body) -> pl.DataFrame:
        frame = table(
            _rows(body),
            body,
            fields=("symbol", "timestamp", "longShortRatio"),
            unused=("longAccount", "shortAccount", "longPosition", "shortPosition"),
        )
        return shape(
            frame,
            body,
            {
                "symbol": pl.col("symbol"),
                "observed_at": instant("timestamp", "ms"),
                column: number("longShortRatio"),
            },
        )

    return parse


def parse_taker_ratios(body: Body) -> pl.DataFrame:
    frame = table(_rows(body), body, fields=("timestamp", "buySellRatio", "buyVol", "sellVol"))
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(body.request.param("symbol")),
            "opened_at": instant("timestamp", "ms"),
            "taker_buy_sell_volume_ratio": number("buySellRatio"),
            "taker_buy_volume_base": number("buyVol"),
            "taker_sell_volume_base": number("sellVol"),
        },
    )
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at)


def fetch_funding_info(window: Window, client: Client) -> Iterator[Body]:
    if client.reaches_present:
        body = client.get(f"{_HOST}/fapi/v1/fundingInfo")
        yield body
        _rows(body)


def parse_funding_info(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=(
            "symbol",
            "fundingIntervalHours",
            "adjustedFundingRateCap",
            "adjustedFundingRateFloor",
            "updateTime",
        ),
        optional=("updateTime",),
        unused=("disclaimer",),
    )
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "observed_at": pl.lit(body.retrieved_at).cast(UTC_DATETIME).dt.truncate("1m"),
            "interval_hours": whole("fundingIntervalHours"),
            "funding_cap_rate": number("adjustedFundingRateCap"),
            "funding_floor_rate": number("adjustedFundingRateFloor"),
            "adjusted_at": instant("updateTime", "ms"),
        },
        nullable=("adjusted_at",),
    )


def fetch_premium_index(window: Window, client: Client) -> Iterator[Body]:
    if client.reaches_present:
        yield from in_turn((symbol, _premium_index(client, symbol)) for symbol in SYMBOLS)


def _premium_index(client: Client, symbol: str) -> Iterator[Body]:
    body = client.get(f"{_HOST}/fapi/v1/premiumIndex", {"symbol": symbol})
    yield body
    # An error in it is one of the asking, too: after a rate limit the next symbol is not asked for.
    _marks(body)


def _marks(body: Body) -> list[dict[str, Any]]:
    """One symbol is answered with an object, all of them with a list."""
    answer = decode_json(body)
    return [answer] if isinstance(answer, dict) and "symbol" in answer else _rows(body)


def parse_premium_index(body: Body) -> pl.DataFrame:
    frame = table(
        _marks(body),
        body,
        fields=("symbol", "time", "markPrice", "indexPrice", "lastFundingRate", "nextFundingTime"),
        unused=("estimatedSettlePrice", "interestRate"),
    )
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("symbol"),
            "observed_at": instant("time", "ms").dt.truncate("1m"),
            "mark_price": number("markPrice"),
            "index_price": number("indexPrice"),
            "last_funding_rate": number("lastFundingRate"),
            "next_funding_at": instant("nextFundingTime", "ms"),
        },
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

_DOCS = "https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api"
_SYMBOL = Column("symbol", pl.String, "Contract, such as BTCUSDT.")
_HOURLY = Cadence(
    cron="7 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(days=1), stale_after=timedelta(days=1)
)
_AS_IT_STANDS = Cadence(cron="9 * * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(hours=6))

OPEN_INTEREST = Dataset(
    provider=PROVIDER,
    name="open_interest",
    subject="leverage",
    description="Open interest of Binance USD-M perpetual futures, every hour of the last 30 days.",
    grain="one row per symbol and hour",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "Instant the positions were counted."),
        Column("open_interest_coin", pl.Float64, "Open interest in the base coin, one side counted."),
        Column("open_interest_usd", pl.Float64, "Open interest at the mark price, US dollars (Tether at par)."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=_HOURLY,
    starts_on=_HISTORY_MOVES,
    fetch=_statistics("openInterestHist"),
    parse=parse_open_interest,
    docs_url=f"{_DOCS}/Open-Interest-Statistics",
    can_be_empty=True,
)


def _ratios(name: str, path: str, column: str, who: str, page: str) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        subject="leverage",
        description=f"Long over short {who} in Binance USD-M perpetual futures, every hour of the last 30 days.",
        grain="one row per symbol and hour",
        columns=(
            _SYMBOL,
            Column("observed_at", UTC_DATETIME, "Instant the figure is stamped with."),
            Column(column, pl.Float64, f"Long over short {who}."),
        ),
        key=("symbol", "observed_at"),
        time_column="observed_at",
        period=timedelta(0),
        cadence=_HOURLY,
        starts_on=_HISTORY_MOVES,
        fetch=_statistics(path),
        parse=_long_short(column),
        docs_url=f"{_DOCS}/{page}",
        can_be_empty=True,
    )


ACCOUNT_RATIOS = _ratios(
    "account_ratios",
    "globalLongShortAccountRatio",
    "account_long_short_ratio",
    "accounts of everybody",
    "Long-Short-Ratio",
)

TOP_TRADER_ACCOUNT_RATIOS = _ratios(
    "top_trader_account_ratios",
    "topLongShortAccountRatio",
    "top_trader_account_long_short_ratio",
    "accounts of the top traders",
    "Top-Long-Short-Account-Ratio",
)

TOP_TRADER_POSITION_RATIOS = _ratios(
    "top_trader_position_ratios",
    "topLongShortPositionRatio",
    "top_trader_position_long_short_ratio",
    "positions of the top traders",
    "Top-Trader-Long-Short-Ratio",
)

TAKER_RATIOS = Dataset(
    provider=PROVIDER,
    name="taker_ratios",
    subject="leverage",
    description="Volume bought and sold by takers of Binance USD-M perpetual futures, hours of the last 30 days.",
    grain="one row per symbol and hour",
    columns=(
        _SYMBOL,
        Column("opened_at", UTC_DATETIME, "Start of the hour, taking the stamp for it."),
        Column("taker_buy_sell_volume_ratio", pl.Float64, "Taker buy volume over taker sell volume."),
        Column("taker_buy_volume_base", pl.Float64, "Bought by takers, base coin."),
        Column("taker_sell_volume_base", pl.Float64, "Sold by takers, base coin."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=_HOURLY,
    starts_on=_HISTORY_MOVES,
    fetch=_statistics("takerlongshortRatio"),
    parse=parse_taker_ratios,
    docs_url=f"{_DOCS}/Taker-BuySell-Volume",
    can_be_empty=True,
)

FUNDING_INFO = Dataset(
    provider=PROVIDER,
    name="funding_info",
    subject="leverage",
    description="Funding interval and caps of the Binance USD-M contracts whose terms were adjusted, as they stand.",
    grain="one row per adjusted symbol and look",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "When it was asked, floored to the minute."),
        Column("interval_hours", pl.Int64, "Hours between settlements."),
        Column("funding_cap_rate", pl.Float64, "Highest rate of an interval, fraction of the position."),
        Column("funding_floor_rate", pl.Float64, "Lowest rate of an interval, fraction of the position."),
        Column("adjusted_at", UTC_DATETIME, "When the terms were adjusted; null where it is not said."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="25 0 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=_HISTORY_MOVES,
    fetch=fetch_funding_info,
    parse=parse_funding_info,
    docs_url=f"{_DOCS}/Get-Funding-Rate-Info",
    can_be_empty=True,
)

PREMIUM_INDEX = Dataset(
    provider=PROVIDER,
    name="premium_index",
    subject="leverage",
    description="Mark price, index price and coming funding of Binance USD-M perpetual futures, as they stand.",
    grain="one row per symbol and look",
    columns=(
        _SYMBOL,
        Column("observed_at", UTC_DATETIME, "When it was so by the vendor's clock, floored to the minute."),
        Column("mark_price", pl.Float64, "Price that margins are reckoned with, US dollars (Tether at par)."),
        Column("index_price", pl.Float64, "Spot price over several venues, US dollars (Tether at par)."),
        Column(
            "last_funding_rate", pl.Float64, "What the vendor calls the latest rate; it moves until the settlement."
        ),
        Column("next_funding_at", UTC_DATETIME, "The coming settlement."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=_AS_IT_STANDS,
    starts_on=_HISTORY_MOVES,
    fetch=fetch_premium_index,
    parse=parse_premium_index,
    docs_url=f"{_DOCS}/Mark-Price",
    can_be_empty=True,
)

DATASETS = (
    FUNDING_RATES,
    OPEN_INTEREST,
    ACCOUNT_RATIOS,
    TOP_TRADER_ACCOUNT_RATIOS,
    TOP_TRADER_POSITION_RATIOS,
    TAKER_RATIOS,
    FUNDING_INFO,
    PREMIUM_INDEX,
)
