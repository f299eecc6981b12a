"""Gate USDT perpetual futures: hourly positioning, liquidations by side, and what a contract holds, without a key.

The rare keyless history of liquidations that tells longs from shorts.

Traps:
* Sizes are contracts; only `contracts` says how many coins one holds (0.0001 BTC for BTC_USDT).
* Times are seconds and mark the start of the hour. The newest row is an early reading of its hour and is rewritten some
  minutes after the hour has ended, so a row counts only from then on.
* `limit` is at most 2,000, and with `from` an answer holds a row or two more than that; `to` is ignored beside `from`.
  So spans are asked for by time, and a short answer does not mean that nothing follows.
* The documentation has the two ratios the wrong way round: `lsr_taker` is taker buys over taker sells
  (`long_taker_size / short_taker_size`), `lsr_account` is accounts (`long_users / short_users`).
* `long_liq_usd` and `long_liq_usd_new` stand side by side and nobody says where they differ: both are kept.
* Figures are numbers, except `last_funding_rate`, which is text. How deep the history goes is not documented: a window
  before it has no rows, which is no error.
* An error is an object where a list is expected, `{"label": "INVALID_PARAM_VALUE", "message": ...}`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.paging import forward
from sources.parsing import decode_json, instant, number, rows_of, shape, table, whole

_URL = "https://api.gateio.ws/api/v4/futures/usdt"

PROVIDER = Provider(
    name="gate",
    title="Gate",
    homepage="https://www.gate.com/docs/developers/apiv4/en/",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{_URL}/contracts/BTC_USDT",
    rates=(Rate(5, 1.0),),
)

SYMBOLS = ("BTC_USDT", "ETH_USDT")

_PAGE_SIZE = 2000
_HOUR = timedelta(hours=1)
_SETTLED_AFTER = timedelta(minutes=3)
"""How long after its end an hour's row is rewritten for the last time."""


def fetch_contract_stats(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _pages(window, client, symbol)) for symbol in SYMBOLS)


def _pages(window: Window, client: Client, symbol: str) -> Iterator[Body]:
    def ask(start: datetime, end: datetime) -> Body:
        # There is no way to say where to stop, so a short span asks for few rows.
        limit = min(_PAGE_SIZE, -((start - end) // _HOUR) + 1)
        params = {"contract": symbol, "interval": "1h", "from": math.ceil(start.timestamp()), "limit": limit}
        return client.get(f"{_URL}/contract_stats", params)

    yield from forward(window, ask, _times, page_size=_PAGE_SIZE, step=_PAGE_SIZE * _HOUR)


def _times(body: Body) -> list[datetime]:
    frame = table(_rows(body), body, fields=("time",))
    return shape(frame.select("time"), body, {"time": instant("time", "s")})["time"].to_list()


def fetch_contracts(window: Window, client: Client) -> Iterator[Body]:
    # The answer is what holds now; it says nothing about a window that ended earlier.
    if client.reaches_present:
        yield from in_turn((symbol, _contract(client, symbol)) for symbol in SYMBOLS)


def _contract(client: Client, symbol: str) -> Iterator[Body]:
    yield client.get(f"{_URL}/contracts/{symbol}")


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    _refuse_error(answer, body)
    return rows_of(answer, body)


def _refuse_error(answer: Any, body: Body) -> None:
    if isinstance(answer, dict) and "label" in answer:
        problem = f"{PROVIDER.title} answers with error {answer['label']}: {answer.get('message')}"
        raise (RateLimited if answer["label"] == "TOO_MANY_REQUESTS" else Rejected)(problem, body=body)


def parse_contract_stats(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=(
            *("time", "mark_price", "open_interest", "open_interest_usd"),
            *("long_liq_size", "long_liq_amount", "long_liq_usd", "long_liq_usd_new"),
            *("short_liq_size", "short_liq_amount", "short_liq_usd", "short_liq_usd_new"),
            *("lsr_taker", "lsr_account", "top_lsr_account", "top_lsr_size"),
            *("long_taker_size", "short_taker_size", "long_users", "short_users"),
            *("top_long_account", "top_short_account", "top_long_size", "top_short_size", "last_funding_rate"),
        ),
        optional=(
            *("long_liq_usd_new", "short_liq_usd_new", "long_taker_size", "short_taker_size"),
            *("long_users", "short_users", "top_long_account", "top_short_account", "top_long_size", "top_short_size"),
            "last_funding_rate",
        ),
    )
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(body.request.param("contract")),
            "opened_at": instant("time", "s"),
            "mark_price": number("mark_price"),
            "open_interest_contracts": number("open_interest"),
            "open_interest_usd": number("open_interest_usd"),
            "long_liquidations_contracts": number("long_liq_size"),
            "long_liquidations_coin": number("long_liq_amount"),
            "long_liquidations_usd": number("long_liq_usd"),
            "long_liquidations_new_usd": number("long_liq_usd_new"),
            "short_liquidations_contracts": number("short_liq_size"),
            "short_liquidations_coin": number("short_liq_amount"),
            "short_liquidations_usd": number("short_liq_usd"),
            "short_liquidations_new_usd": number("short_liq_usd_new"),
            "taker_buy_sell_volume_ratio": number("lsr_taker"),
            "account_long_short_ratio": number("lsr_account"),
            "top_trader_account_long_short_ratio": number("top_lsr_account"),
            "top_trader_position_long_short_ratio": number("top_lsr_size"),
            "taker_buy_contracts": number("long_taker_size"),
            "taker_sell_contracts": number("short_taker_size"),
            "long_account_count": whole("long_users"),
            "short_account_count": whole("short_users"),
            "top_trader_long_account_count": whole("top_long_account"),
            "top_trader_short_account_count": whole("top_short_account"),
            "top_trader_long_contracts": number("top_long_size"),
            "top_trader_short_contracts": number("top_short_size"),
            "funding_rate": number("last_funding_rate"),
        },
        nullable=(
            *("long_liquidations_new_usd", "short_liquidations_new_usd", "taker_buy_sell_volume_ratio"),
            *("account_long_short_ratio", "top_trader_account_long_short_ratio"),
            *("top_trader_position_long_short_ratio", "taker_buy_contracts", "taker_sell_contracts"),
            *("long_account_count", "short_account_count", "top_trader_long_account_count"),
            *("top_trader_short_account_count", "top_trader_long_contracts", "top_trader_short_contracts"),
            "funding_rate",
        ),
    )
    settled = body.retrieved_at.astimezone(UTC) - _HOUR - _SETTLED_AFTER
    return shaped.filter(pl.col("opened_at") <= settled)


def parse_contracts(body: Body) -> pl.DataFrame:
    answer = decode_json(body)
    _refuse_error(answer, body)
    if not isinstance(answer, dict):
        raise Malformed("expected one contract as an object", body=body)
    frame = table(
        [answer],
        body,
        fields=("name", "quanto_multiplier", "funding_interval", "funding_rate", "mark_price", "index_price"),
        flags=("in_delisting",),
        unused=_CONTRACT_FIELDS_WITHOUT_USE,
    )
    observed_at = body.retrieved_at.astimezone(UTC).replace(second=0, microsecond=0)
    return shape(
        frame,
        body,
        {
            "symbol": pl.col("name"),
            "observed_at": pl.lit(observed_at, dtype=UTC_DATETIME),
            "contract_size_coin": number("quanto_multiplier"),
            "interval_hours": number("funding_interval") / 3600,
            "funding_rate": number("funding_rate"),
            "mark_price": number("mark_price"),
            "index_price": number("index_price"),
            "is_delisting": pl.col("in_delisting"),
        },
    )


_CONTRACT_FIELDS_WITHOUT_USE = (
    *("type", "leverage_min", "leverage_max", "cross_leverage_default", "maintenance_rate", "mark_type", "last_price"),
    *("maker_fee_rate", "taker_fee_rate", "order_price_round", "mark_price_round", "funding_next_apply"),
    *("funding_offset", "funding_impact_value", "funding_cap_ratio", "funding_rate_limit", "funding_rate_indicative"),
    *("interest_rate", "risk_limit_base", "risk_limit_step", "risk_limit_max", "order_size_min", "order_size_max"),
    *("order_price_deviate", "ref_discount_rate", "ref_rebate_rate", "orderbook_id", "trade_id", "trade_size"),
    *("position_size", "config_change_time", "create_time", "launch_time", "delisting_time", "delisted_time"),
    *("orders_limit", "enable_bonus", "enable_credit", "long_users", "short_users", "status", "voucher_leverage"),
    *("market_order_slip_ratio", "market_order_size_max", "is_pre_market", "enable_decimal", "enable_circuit_breaker"),
)

CONTRACT_STATS = Dataset(
    provider=PROVIDER,
    name="contract_stats",
    subject="leverage",
    description="Open interest, liquidations by side, taker flow and long/short ratios of Gate perpetuals, hourly.",
    grain="one row per symbol and hour",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTC_USDT."),
        Column("opened_at", UTC_DATETIME, "Start of the hour."),
        Column("mark_price", pl.Float64, "Mark price, USDT."),
        Column("open_interest_contracts", pl.Float64, "Open contracts; contracts hold a fixed number of coins."),
        Column("open_interest_usd", pl.Float64, "The same at the mark price, USDT."),
        Column("long_liquidations_contracts", pl.Float64, "Longs liquidated in the hour, contracts."),
        Column("long_liquidations_coin", pl.Float64, "The same in coins."),
        Column("long_liquidations_usd", pl.Float64, "The same in USDT."),
        Column(
            "long_liquidations_new_usd", pl.Float64, "The same by the vendor's newer reckoning, USDT; not documented."
        ),
        Column("short_liquidations_contracts", pl.Float64, "Shorts liquidated in the hour, contracts."),
        Column("short_liquidations_coin", pl.Float64, "The same in coins."),
        Column("short_liquidations_usd", pl.Float64, "The same in USDT."),
        Column(
            "short_liquidations_new_usd", pl.Float64, "The same by the vendor's newer reckoning, USDT; not documented."
        ),
        Column("taker_buy_sell_volume_ratio", pl.Float64, "Taker buys over taker sells; null without sells."),
        Column("account_long_short_ratio", pl.Float64, "Accounts that are long over accounts that are short."),
        Column("top_trader_account_long_short_ratio", pl.Float64, "The same among the largest traders."),
        Column("top_trader_position_long_short_ratio", pl.Float64, "Long over short positions of the largest traders."),
        Column("taker_buy_contracts", pl.Float64, "Bought by takers in the hour, contracts."),
        Column("taker_sell_contracts", pl.Float64, "Sold by takers in the hour, contracts."),
        Column("long_account_count", pl.Int64, "Accounts that are long."),
        Column("short_account_count", pl.Int64, "Accounts that are short."),
        Column("top_trader_long_account_count", pl.Int64, "Largest traders that are long."),
        Column("top_trader_short_account_count", pl.Int64, "Largest traders that are short."),
        Column("top_trader_long_contracts", pl.Float64, "Long positions of the largest traders, contracts."),
        Column("top_trader_short_contracts", pl.Float64, "Short positions of the largest traders, contracts."),
        Column("funding_rate", pl.Float64, "Newest funding rate, as a fraction per interval; null in old rows."),
    ),
    key=("symbol", "opened_at"),
    time_column="opened_at",
    period=_HOUR,
    cadence=Cadence(
        cron="6 * * * *", lag=timedelta(minutes=5), revised_for=timedelta(hours=6), stale_after=timedelta(hours=12)
    ),
    starts_on=date(2021, 1, 1),
    chunk=timedelta(days=60),
    can_be_empty=True,
    fetch=fetch_contract_stats,
    parse=parse_contract_stats,
    docs_url="https://www.gate.com/docs/developers/apiv4/en/#futures-stats",
)

CONTRACTS = Dataset(
    provider=PROVIDER,
    name="contracts",
    subject="leverage",
    description="What a Gate contract holds and how often it pays funding, as of now: turns contracts into coins.",
    grain="one row per symbol and retrieval",
    columns=(
        Column("symbol", pl.String, "Contract, such as BTC_USDT."),
        Column("observed_at", UTC_DATETIME, "When it was asked for, to the minute."),
        Column("contract_size_coin", pl.Float64, "Coins in one contract."),
        Column("interval_hours", pl.Float64, "Hours between two funding settlements."),
        Column("funding_rate", pl.Float64, "Current funding rate, as a fraction per interval."),
        Column("mark_price", pl.Float64, "Mark price, USDT."),
        Column("index_price", pl.Float64, "Index price, USDT."),
        Column("is_delisting", pl.Boolean, "Whether the contract is being withdrawn."),
    ),
    key=("symbol", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="25 3 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=date(2021, 1, 1),
    can_be_empty=True,
    fetch=fetch_contracts,
    parse=parse_contracts,
    docs_url="https://www.gate.com/docs/developers/apiv4/en/#query-single-contract-information",
)

DATASETS = (CONTRACT_STATS, CONTRACTS)
