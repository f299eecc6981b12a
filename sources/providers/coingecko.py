"""CoinGecko: which listed companies hold Bitcoin and Ether, and how much, without a key.

Traps:
* There is no history: the answer is the list as it stands, so it is taken once a day and a day missed is gone.
* The list is kept by hand. A company appears in it long after it bought, and a holding moves when a filing is read.
* A cost of 0 means that nobody knows it.
* At most 250 companies a page.
* HTTP 429 comes as JSON or, from the network in front, as the text `error code: 1015`; the text can come with 200.
  Without a key the patience is about five requests a minute. What is older than a year is 401, error code 10012; that
  does not concern a list without history. A free demo key, COINGECKO_API_KEY, makes it 30 a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, excerpt, in_turn
from sources.parsing import decode_json, number, rows_of, shape, table

PROVIDER = Provider(
    name="coingecko",
    title="CoinGecko",
    homepage="https://docs.coingecko.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.coingecko.com/api/v3/ping",
    rates=(Rate(1, 12.0),),
)

COINS: Mapping[str, str] = {"bitcoin": "btc", "ethereum": "eth"}
"""Assets by the vendor's id of the coin."""

_URL = "https://api.coingecko.com/api/v3/companies/public_treasury"
_PAGE_SIZE = 250
_TOO_MANY_REQUESTS = "429"


def fetch_public_treasuries(window: Window, client: Client) -> Iterator[Body]:
    if not client.reaches_present:
        return
    key = client.option("COINGECKO_API_KEY")
    headers = {"x-cg-demo-api-key": key} if key else {}
    yield from in_turn((coin, _pages(client, coin, headers)) for coin in COINS)


def _pages(client: Client, coin: str, headers: dict[str, str]) -> Iterator[Body]:
    page, before = 1, None
    while True:
        body = client.get(f"{_URL}/{coin}", {"per_page": _PAGE_SIZE, "page": page}, secret_headers=headers)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        companies = _companies(body)
        if companies and companies == before:
            raise Malformed(f"page {page} is the same as the one before", body=body)
        if len(companies) < _PAGE_SIZE:
            return
        page, before = page + 1, companies


def _companies(body: Body) -> list[dict[str, Any]]:
    if body.content[:200].strip().startswith(b"error code: 1015"):
        raise RateLimited(f"{PROVIDER.title} asks for a pause in its answer: {excerpt(body)}", body=body)
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with companies", body=body)
    error = answer.get("error")
    status = error.get("status") if isinstance(error, dict) else answer.get("status")
    if error or status:
        code, message = (
            (status.get("error_code"), status.get("error_message")) if isinstance(status, dict) else (None, error)
        )
        problem = f"{PROVIDER.title} answers with error {code}: {message}"
        raise (RateLimited if code == _TOO_MANY_REQUESTS else Rejected)(problem, body=body)
    if "companies" not in answer:
        raise Malformed("the answer holds neither companies nor an error", body=body)
    return rows_of(answer["companies"], body)


def parse_public_treasuries(body: Body) -> pl.DataFrame:
    coin = body.request.url.rpartition("/")[2]
    if coin not in COINS:
        raise Malformed(f"{body.request.url} is about no coin of this dataset", body=body)
    frame = table(
        _companies(body),
        body,
        fields=(
            "name",
            "symbol",
            "country",
            "total_holdings",
            "total_entry_value_usd",
            "total_current_value_usd",
            "percentage_of_total_supply",
        ),
        optional=("country", "total_entry_value_usd", "total_current_value_usd", "percentage_of_total_supply"),
    )
    cost_usd = number("total_entry_value_usd")
    return shape(
        frame,
        body,
        {
            "asset": pl.lit(COINS[coin]),
            "observed_at": pl.lit(body.retrieved_at, dtype=UTC_DATETIME).dt.truncate("1m"),
            "entity": pl.col("name"),
            "ticker": pl.col("symbol").fill_null(""),
            "country": pl.col("country"),
            "holdings_coin": number("total_holdings"),
            "entry_value_usd": pl.when(cost_usd != 0).then(cost_usd),
            "current_value_usd": number("total_current_value_usd"),
            "supply_share_pct": number("percentage_of_total_supply"),
        },
        nullable=("country", "entry_value_usd", "current_value_usd", "supply_share_pct"),
    )


PUBLIC_TREASURIES = Dataset(
    provider=PROVIDER,
    name="public_treasuries",
    subject="institutions",
    description="Bitcoin and Ether on the books of listed companies, as the vendor's list stands, taken once a day.",
    grain="one row per asset, company and snapshot",
    columns=(
        Column("asset", pl.String, "btc or eth."),
        Column("observed_at", UTC_DATETIME, "When the list was taken, floored to the minute."),
        Column("entity", pl.String, "Name of the company."),
        Column("ticker", pl.String, "Where and as what it is listed, as the vendor writes it; blank if not said."),
        Column("country", pl.String, "Country code."),
        Column("holdings_coin", pl.Float64, "Coins it holds by its newest filing that was read."),
        Column("entry_value_usd", pl.Float64, "What it paid for them, US dollars; null if nobody knows."),
        Column("current_value_usd", pl.Float64, "What they are worth at the present price, US dollars."),
        Column("supply_share_pct", pl.Float64, "Share of all coins, per cent."),
    ),
    key=("asset", "observed_at", "entity", "ticker"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="5 12 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=date(2024, 1, 1),
    fetch=fetch_public_treasuries,
    parse=parse_public_treasuries,
    docs_url="https://docs.coingecko.com/reference/companies-public-treasury",
    can_be_empty=True,
)

DATASETS = (PUBLIC_TREASURIES,)
