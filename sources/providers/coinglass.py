"""CoinGlass v4: derivatives of several exchanges together, by day and for seven coins, with a key of any paid plan.

Traps:
* `code` is a text, "0" for an answer. Errors come under HTTP 200 with another code: "400" for a missing parameter,
  "401" for a bad key and also for a plan without what was asked ("Upgrade plan"), "429" for too many requests.
* At most 1,000 rows an answer, oldest first. The last row is the day under way.
* Before its first real value a series is filled with zeros or nulls: liquidations before 2020-12-23, for one. A page
  does not show where that is, so the filler stays in the rows and is for the reader to cut: leading zeros mean missing.
* Liquidations are what the feeds of the exchanges say, and those are throttled: a lower bound.
* Funding rates are per cent per interval, where most others have fractions.
* Numbers are text in open interest and funding, numbers elsewhere. Volumes of takers have been told as
  `aggregated_buy_volume` and as `aggregated_buy_volume_usd`; what they count is what `unit` asks for, either way.
* Sums over exchanges mean those of `exchange_list`, but open interest and funding mean all that the vendor follows.
* ETF flows have a row for each calendar day, zero where New York has no session; a fund without a flow lacks the field.
  Before the funds have reported, the sum of a day is that of those that have, down to zero; a later look corrects it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.http import Client, in_turn
from sources.paging import forward, milliseconds
from sources.parsing import decode_json, ended_days, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="coinglass",
    title="CoinGlass",
    homepage="https://docs.coinglass.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://open-api-v4.coinglass.com/api/futures/supported-coins",
    probe_statuses=(200, 401),
    # The smallest plan allows 30 a minute; what a key really has is in the header API-KEY-MAX-LIMIT of each answer.
    rates=(Rate(2, 1.0), Rate(25, 60.0)),
)

KEY_VARIABLE = "COINGLASS_API_KEY"

COINS = ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE")
PAIRS = tuple(f"{coin}USDT" for coin in COINS)
EXCHANGES = "Binance,OKX,Bybit"

_ROOT = "https://open-api-v4.coinglass.com/api"
_ETF_FLOWS_URL = f"{_ROOT}/etf/bitcoin/flow-history"
_PAGE_SIZE = 1000
_STEP = timedelta(days=_PAGE_SIZE)

ALL_FUNDS = "all"
"""Stands in `etf_flows.ticker` for the funds together."""

_REMEDIES = {
    "401": f"check {KEY_VARIABLE}, and whether its plan includes this endpoint and daily rows",
    "429": "run again later; what was fetched so far is kept",
}
_ERRORS: Mapping[str, type[SourceError]] = {
    "403": Blocked,
    "408": Unreachable,
    "429": RateLimited,
    "500": Unreachable,
}


def _fetching(
    path: str, symbols: Sequence[str], params: Mapping[str, str]
) -> Callable[[Window, Client], Iterator[Body]]:
    """A fetch of daily rows of several symbols from one endpoint."""

    def fetch(window: Window, client: Client) -> Iterator[Body]:
        yield from in_turn((symbol, _pages(window, client, path, {**params, "symbol": symbol})) for symbol in symbols)

    return fetch


def _pages(window: Window, client: Client, path: str, params: Mapping[str, str]) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        span = {"start_time": milliseconds(start), "end_time": milliseconds(end) - 1}
        asked = {**params, "interval": "1d", "limit": _PAGE_SIZE, **span}
        return client.get(f"{_ROOT}{path}", asked, secret_headers=_key(client))

    yield from forward(window, ask, _times, page_size=_PAGE_SIZE, step=_STEP)


def fetch_etf_flows(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_ETF_FLOWS_URL, secret_headers=_key(client))


def _key(client: Client) -> dict[str, str]:
    return {"CG-API-KEY": client.key}


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or "code" not in answer:
        raise Malformed("expected an object with a code", body=body)
    code = str(answer["code"])
    if code != "0":
        problem = f"{PROVIDER.title} answers with error {code}: {answer.get('msg')}"
        raise _ERRORS.get(code, Rejected)(problem, remedy=_REMEDIES.get(code, ""), body=body)
    return rows_of(answer.get("data"), body)


def _times(body: Body) -> list[datetime]:
    rows = [{name: row[name] for name in row if name == "time"} for row in _rows(body)]
    return _opened(table(rows, body, fields=("time",)), "time", body).to_list()


def _opened(frame: pl.DataFrame, field: str, body: Body) -> pl.Series:
    """When the rows begin, which is midnight UTC for rows that are days."""
    opened = shape(frame.select(field), body, {"opened_at": instant(field, "ms")})["opened_at"]
    if not (opened.dt.truncate("1d") == opened).all():
        raise Malformed("a row does not begin with a UTC day", body=body)
    return opened


def _parsing(
    subject: Callable[[Body], Mapping[str, pl.Expr]],
    figures: Mapping[str, str],
    *,
    aliases: Mapping[str, str] | None = None,
) -> Callable[[Body], pl.DataFrame]:
    """A parse of daily rows.

    Args:
        subject: the columns that a row does not say itself, from what was asked.
        figures: upstream fields by declared column.
        aliases: other names that such a field has been seen under.
    """

    def parse(body: Body) -> pl.DataFrame:
        rows = _rows(body)
        if aliases:
            rows = [{aliases.get(name, name): value for name, value in row.items()} for row in rows]
        frame = table(rows, body, fields=("time", *figures.values()))
        _opened(frame, "time", body)
        shaped = shape(
            frame,
            body,
            {
                **subject(body),
                "day": instant("time", "ms").dt.date(),
                **{name: number(field) for name, field in figures.items()},
            },
            nullable=figures,
        )
        return ended_days(shaped, "day", body)

    return parse


def _of_coin(body: Body) -> Mapping[str, pl.Expr]:
    return {"asset": pl.lit(body.request.param("symbol").lower())}


def _of_band(body: Body) -> Mapping[str, pl.Expr]:
    return {**_of_coin(body), "range_pct": pl.lit(body.request.param("range")).cast(pl.Float64)}


def _of_pair(body: Body) -> Mapping[str, pl.Expr]:
    return {
        "venue": pl.lit(body.request.param("exchange").lower()),
        "symbol": pl.lit(body.request.param("symbol")),
    }


def parse_etf_flows(body: Body) -> pl.DataFrame:
    flows = []
    for row in _rows(body):
        if not isinstance(row.get("etf_flows"), list) or "flow_usd" not in row:
            raise Malformed("a day holds no flow_usd with etf_flows", body=body)
        day = {name: value for name, value in row.items() if name != "etf_flows"}
        flows.append({**day, "etf_ticker": ALL_FUNDS})
        # A fund that lacks its flow must not take over that of the day.
        flows += [{**day, "flow_usd": None, **fund} for fund in rows_of(row["etf_flows"], body)]
    frame = table(flows, body, fields=("timestamp", "etf_ticker", "flow_usd", "price_usd"))
    _opened(frame, "timestamp", body)
    shaped = shape(
        frame,
        body,
        {
            "asset": pl.lit("btc"),
            "day": instant("timestamp", "ms").dt.date(),
            "ticker": pl.col("etf_ticker"),
            "net_flow_usd": number("flow_usd"),
            "price_usd": number("price_usd"),
        },
        nullable=("net_flow_usd", "price_usd"),
    )
    return ended_days(shaped, "day", body)


_ASSET = Column("asset", pl.String, "Coin, lower case: btc, eth, bnb, sol, xrp, ada or doge.")
_VENUE = Column("venue", pl.String, "Exchange of the pair, lower case: binance.")
_SYMBOL = Column("symbol", pl.String, "Pair as the exchange writes it, such as BTCUSDT.")
_DAY = Column("day", pl.Date, "UTC day.")


def _daily(
    name: str,
    *,
    path: str,
    params: Mapping[str, str],
    subject: Callable[[Body], Mapping[str, pl.Expr]],
    figures: Mapping[str, str],
    columns: tuple[Column, ...],
    minute: int,
    starts_on: date,
    group: str,
    description: str,
    docs: str,
    aliases: Mapping[str, str] | None = None,
) -> Dataset:
    """A dataset of daily rows; what it is about comes first in its columns and is its key, with the day."""
    is_of_pairs = subject is _of_pair
    about = (_VENUE, _SYMBOL) if is_of_pairs else (_ASSET,)
    further = tuple(column for column in columns if column.name not in figures)
    return Dataset(
        provider=PROVIDER,
        name=name,
        subject=group,
        description=description,
        grain=f"one row per {'exchange, pair' if is_of_pairs else 'coin'} and UTC day",
        columns=(*about, *further, _DAY, *(column for column in columns if column.name in figures)),
        key=tuple(column.name for column in (*about, *further, _DAY)),
        time_column="day",
        period=timedelta(days=1),
        cadence=Cadence(
            cron=f"{minute} 1 * * *",
            lag=timedelta(hours=1),
            revised_for=timedelta(days=3),
            stale_after=timedelta(days=3),
        ),
        starts_on=starts_on,
        fetch=_fetching(path, PAIRS if is_of_pairs else COINS, params),
        parse=_parsing(subject, figures, aliases=aliases),
        docs_url=f"https://docs.coinglass.com/reference/{docs}",
        needs_key=KEY_VARIABLE,
    )


LIQUIDATIONS = _daily(
    "liquidations",
    path="/futures/liquidation/aggregated-history",
    params={"exchange_list": EXCHANGES},
    subject=_of_coin,
    figures={
        "long_liquidations_usd": "aggregated_long_liquidation_usd",
        "short_liquidations_usd": "aggregated_short_liquidation_usd",
    },
    columns=(
        Column("long_liquidations_usd", pl.Float64, "Longs closed by force, US dollars; a lower bound."),
        Column("short_liquidations_usd", pl.Float64, "Shorts closed by force, US dollars; a lower bound."),
    ),
    minute=12,
    starts_on=date(2020, 12, 23),
    group="leverage",
    description="Liquidations of futures on Binance, OKX and Bybit by coin, as their throttled feeds report them.",
    docs="aggregated-liquidation-history",
)

OPEN_INTEREST = _daily(
    "open_interest",
    path="/futures/open-interest/aggregated-history",
    params={"unit": "usd"},
    subject=_of_coin,
    figures={
        "open_interest_open_usd": "open",
        "open_interest_high_usd": "high",
        "open_interest_low_usd": "low",
        "open_interest_usd": "close",
    },
    columns=(
        Column("open_interest_open_usd", pl.Float64, "Open interest at the start of the day, US dollars."),
        Column("open_interest_high_usd", pl.Float64, "Highest of the day, US dollars."),
        Column("open_interest_low_usd", pl.Float64, "Lowest of the day, US dollars."),
        Column("open_interest_usd", pl.Float64, "Open interest at the end of the day, US dollars."),
    ),
    minute=14,
    starts_on=date(2020, 2, 27),
    group="leverage",
    description="Open interest of futures over all exchanges the vendor follows, by coin.",
    docs="oi-ohlc-aggregated-history",
)

FUNDING_RATES = _daily(
    "funding_rates",
    path="/futures/funding-rate/oi-weight-history",
    params={},
    subject=_of_coin,
    figures={
        "funding_rate_open_pct": "open",
        "funding_rate_high_pct": "high",
        "funding_rate_low_pct": "low",
        "funding_rate_pct": "close",
    },
    columns=(
        Column("funding_rate_open_pct", pl.Float64, "Rate at the start of the day, per cent per interval."),
        Column("funding_rate_high_pct", pl.Float64, "Highest of the day, per cent per interval."),
        Column("funding_rate_low_pct", pl.Float64, "Lowest of the day, per cent per interval."),
        Column(
            "funding_rate_pct", pl.Float64, "Rate at the end of the day, per cent per interval; positive: longs pay."
        ),
    ),
    minute=16,
    starts_on=date(2020, 3, 31),
    group="leverage",
    description="Funding rates of perpetual futures by coin, averaged over exchanges by open interest.",
    docs="oi-weight-ohlc-history",
)

ACCOUNT_RATIOS = _daily(
    "account_ratios",
    path="/futures/global-long-short-account-ratio/history",
    params={"exchange": "Binance"},
    subject=_of_pair,
    figures={
        "long_accounts_pct": "global_account_long_percent",
        "short_accounts_pct": "global_account_short_percent",
        "account_long_short_ratio": "global_account_long_short_ratio",
    },
    columns=(
        Column("long_accounts_pct", pl.Float64, "Share of accounts that are net long, per cent."),
        Column("short_accounts_pct", pl.Float64, "Share of accounts that are net short, per cent."),
        Column("account_long_short_ratio", pl.Float64, "Accounts net long over accounts net short."),
    ),
    minute=18,
    starts_on=date(2020, 10, 17),
    group="leverage",
    description="Long over short accounts on Binance USD-M perpetual futures, all traders.",
    docs="global-longshort-account-ratio",
)

TOP_TRADER_ACCOUNT_RATIOS = _daily(
    "top_trader_account_ratios",
    path="/futures/top-long-short-account-ratio/history",
    params={"exchange": "Binance"},
    subject=_of_pair,
    figures={
        "top_trader_long_accounts_pct": "top_account_long_percent",
        "top_trader_short_accounts_pct": "top_account_short_percent",
        "top_trader_account_long_short_ratio": "top_account_long_short_ratio",
    },
    columns=(
        Column("top_trader_long_accounts_pct", pl.Float64, "Share of top accounts that are net long, per cent."),
        Column("top_trader_short_accounts_pct", pl.Float64, "Share of top accounts that are net short, per cent."),
        Column("top_trader_account_long_short_ratio", pl.Float64, "Top accounts net long over top accounts net short."),
    ),
    minute=21,
    starts_on=date(2020, 5, 16),
    group="leverage",
    description="Long over short accounts on Binance USD-M perpetual futures, traders with the largest margin.",
    docs="top-longshort-account-ratio",
)

TOP_TRADER_POSITION_RATIOS = _daily(
    "top_trader_position_ratios",
    path="/futures/top-long-short-position-ratio/history",
    params={"exchange": "Binance"},
    subject=_of_pair,
    figures={
        "top_trader_long_positions_pct": "top_position_long_percent",
        "top_trader_short_positions_pct": "top_position_short_percent",
        "top_trader_position_long_short_ratio": "top_position_long_short_ratio",
    },
    columns=(
        Column("top_trader_long_positions_pct", pl.Float64, "Share of top traders' positions that is long, per cent."),
        Column(
            "top_trader_short_positions_pct", pl.Float64, "Share of top traders' positions that is short, per cent."
        ),
        Column("top_trader_position_long_short_ratio", pl.Float64, "Long over short positions of top traders."),
    ),
    minute=23,
    starts_on=date(2020, 5, 16),
    group="leverage",
    description="Long over short positions on Binance USD-M perpetual futures, traders with the largest margin.",
    docs="top-longshort-position-ratio",
)

ORDER_BOOK = _daily(
    "order_book",
    path="/futures/orderbook/aggregated-ask-bids-history",
    params={"exchange_list": EXCHANGES, "range": "1"},
    subject=_of_band,
    figures={
        "bid_depth_usd": "aggregated_bids_usd",
        "bid_depth_coin": "aggregated_bids_quantity",
        "ask_depth_usd": "aggregated_asks_usd",
        "ask_depth_coin": "aggregated_asks_quantity",
    },
    columns=(
        Column("range_pct", pl.Float64, "How far from the mid price orders are counted, per cent."),
        Column("bid_depth_usd", pl.Float64, "Buy orders within the range, US dollars."),
        Column("bid_depth_coin", pl.Float64, "Buy orders within the range, coins."),
        Column("ask_depth_usd", pl.Float64, "Sell orders within the range, US dollars."),
        Column("ask_depth_coin", pl.Float64, "Sell orders within the range, coins."),
    ),
    minute=26,
    starts_on=date(2024, 4, 25),
    group="liquidity",
    description="Resting orders within one per cent of the price of futures on Binance, OKX and Bybit, by coin.",
    docs="futures-aggregated-orderbook-history",
)

TAKER_VOLUMES = _daily(
    "taker_volumes",
    path="/futures/aggregated-taker-buy-sell-volume/history",
    params={"exchange_list": EXCHANGES, "unit": "usd"},
    subject=_of_coin,
    figures={
        "taker_buy_volume_usd": "aggregated_buy_volume_usd",
        "taker_sell_volume_usd": "aggregated_sell_volume_usd",
    },
    aliases={
        "aggregated_buy_volume": "aggregated_buy_volume_usd",
        "aggregated_sell_volume": "aggregated_sell_volume_usd",
    },
    columns=(
        Column("taker_buy_volume_usd", pl.Float64, "Volume of trades in which the buyer took, US dollars."),
        Column("taker_sell_volume_usd", pl.Float64, "Volume of trades in which the seller took, US dollars."),
    ),
    minute=28,
    starts_on=date(2019, 9, 25),
    group="leverage",
    description="Volume of futures on Binance, OKX and Bybit by coin, apart by who crossed the spread.",
    docs="aggregated-taker-buysell-volume-history",
)

SPOT_PRICES = _daily(
    "spot_prices",
    path="/spot/price/history",
    params={"exchange": "Binance"},
    subject=_of_pair,
    figures={
        "open_price": "open",
        "high_price": "high",
        "low_price": "low",
        "close_price": "close",
        "volume_usd": "volume_usd",
    },
    columns=(
        Column("open_price", pl.Float64, "First price of the day, quote currency."),
        Column("high_price", pl.Float64, "Highest price of the day, quote currency."),
        Column("low_price", pl.Float64, "Lowest price of the day, quote currency."),
        Column("close_price", pl.Float64, "Last price of the day, quote currency."),
        Column("volume_usd", pl.Float64, "Traded during the day, US dollars."),
    ),
    minute=31,
    starts_on=date(2017, 8, 17),
    group="prices",
    description="Daily spot candles of seven coins against USDT on Binance.",
    docs="spot-price-ohlc-history",
)

ETF_FLOWS = Dataset(
    provider=PROVIDER,
    name="etf_flows",
    subject="flows",
    description="Net flows of US spot Bitcoin ETFs by calendar day, each fund and all together; zero if no session.",
    grain="one row per calendar day and fund, and one for all funds",
    columns=(
        Column("asset", pl.String, "What the funds hold: btc."),
        _DAY,
        Column("ticker", pl.String, "Fund ticker; all for the funds together, a row that must not be added to them."),
        Column("net_flow_usd", pl.Float64, "Net flow, US dollars; null where the vendor gives none for a fund."),
        Column("price_usd", pl.Float64, "Price of a bitcoin on the day as the vendor gives it, US dollars."),
    ),
    key=("asset", "day", "ticker"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="33 5 * * *", lag=timedelta(hours=5), revised_for=timedelta(days=7), stale_after=timedelta(days=5)
    ),
    starts_on=date(2024, 1, 11),
    fetch=fetch_etf_flows,
    parse=parse_etf_flows,
    docs_url="https://docs.coinglass.com/reference/etf-flows-history",
    needs_key=KEY_VARIABLE,
)

DATASETS = (
    LIQUIDATIONS,
    OPEN_INTEREST,
    FUNDING_RATES,
    ACCOUNT_RATIOS,
    TOP_TRADER_ACCOUNT_RATIOS,
    TOP_TRADER_POSITION_RATIOS,
    ORDER_BOOK,
    TAKER_VOLUMES,
    SPOT_PRICES,
    ETF_FLOWS,
)
