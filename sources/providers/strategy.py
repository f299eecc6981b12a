"""Strategy (formerly MicroStrategy): the largest corporate holder's own figures, as they stand, without a key.

The API behind the company's dashboard. It is not documented; what its fields mean is read off the dashboard's notes.

Traps:
* There is no history: every answer is "now", so it is taken once a day and a day missed is gone.
* Coins are text with thousands commas, `"846,842"`, beside numbers that are numbers.
* `debtByBN`, `prefByBN` and `debtPrefByBN` are per cent of the value of the coins, whatever their names suggest.
* The meaning of `mNav` has changed: since 2026-07-23 it is the share price over the net coin value per share, before
  that it was enterprise value over the value of the coins. Compare it within one of the two only.
* `usdMonthsOfDividends` and `btcYearsOfDividends` divide by all yearly interest and dividends, not by those of one
  share class.
* `msTimestamp` is when the price was taken, in milliseconds; what the holdings are as of is not said.
* There are more than seventy fields and new ones come with new share classes; those not named here are reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client
from sources.parsing import decode_json, instant, number, shape, table

PROVIDER = Provider(
    name="strategy",
    title="Strategy (formerly MicroStrategy)",
    homepage="https://www.strategy.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.strategy.com/btc/bitcoinKpis",
    rates=(Rate(1, 2.0),),
)

_URL = "https://api.strategy.com/btc/bitcoinKpis"

_REQUIRED = ("btcHoldings", "latestPrice")
_OPTIONAL = (
    "msTimestamp",
    "satsPerShare",
    "mNav",
    "debtByBN",
    "prefByBN",
    "debtPrefByBN",
    "totalAnnualDividends",
    "btcYearsOfDividends",
    "usdMonthsOfDividends",
)
_UNUSED = (
    # The same in another form, changes since yesterday, and figures of others that the dashboard shows beside its own.
    *("ufPrice", "prevDayPrice", "priceVarPerc", "timestamp", "btcNav", "btcNavNumber", "prevBtcNav"),
    *("mNavVarPerc", "netBtcReserve", "totalReserve", "usdReserve", "cash", "amplification", "totalYearsOfCoverage"),
    *("btcPerShareUsd", "netBtcPerShareUsd", "netBtcPerShareUsdVarPerc", "netSatsPerShare", "pctOfBtcTotalSupply"),
    *("btcGainQtd", "btcGainYTD", "btcBreakevenArr", "bitcoinHurdleArr", "totalDuration", "drawdownFromAth"),
    *("realizedPrice", "ma200w", "fearGreedIndex", "etfNetFlows7d", "futuresBasis3m", "btcDominanceExStables"),
)


def fetch_bitcoin_kpis(window: Window, client: Client) -> Iterator[Body]:
    if not client.reaches_present:
        return
    yield client.get(_URL)


def _results(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), dict):
        raise Malformed("expected an object with results", body=body)
    results: dict[str, Any] = answer["results"]
    return results


def parse_bitcoin_kpis(body: Body) -> pl.DataFrame:
    frame = table([_results(body)], body, fields=(*_REQUIRED, *_OPTIONAL), optional=_OPTIONAL, unused=_UNUSED)
    # Commas count as text only where they part thousands: 1,00 is not a hundred.
    grouped = pl.col("btcHoldings").str.contains(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
    frame = frame.with_columns(
        pl.when(grouped).then(pl.col("btcHoldings").str.replace_all(",", "")).otherwise(pl.col("btcHoldings"))
    )
    return shape(
        frame,
        body,
        {
            "company": pl.lit("MSTR"),
            "observed_at": pl.lit(body.retrieved_at, dtype=UTC_DATETIME).dt.truncate("1m"),
            "priced_at": instant("msTimestamp", "ms"),
            "holdings_btc": number("btcHoldings"),
            "price_usd": number("latestPrice"),
            "mnav_ratio": number("mNav"),
            "per_share_sats": number("satsPerShare"),
            "debt_share_pct": number("debtByBN"),
            "preferred_share_pct": number("prefByBN"),
            "debt_and_preferred_share_pct": number("debtPrefByBN"),
            "yearly_obligations_usd": number("totalAnnualDividends"),
            "bitcoin_cover_years": number("btcYearsOfDividends"),
            "dollar_cover_months": number("usdMonthsOfDividends"),
        },
        nullable=(
            "priced_at",
            "mnav_ratio",
            "per_share_sats",
            "debt_share_pct",
            "preferred_share_pct",
            "debt_and_preferred_share_pct",
            "yearly_obligations_usd",
            "bitcoin_cover_years",
            "dollar_cover_months",
        ),
    )


BITCOIN_KPIS = Dataset(
    provider=PROVIDER,
    name="bitcoin_kpis",
    subject="institutions",
    description="Coins of Strategy, debts against them and cover of its yearly payments, from its dashboard daily.",
    grain="one row per company and snapshot",
    columns=(
        Column("company", pl.String, "Ticker of the company: MSTR."),
        Column("observed_at", UTC_DATETIME, "When the figures were taken, floored to the minute."),
        Column("priced_at", UTC_DATETIME, "When the price in them was taken, as the company says."),
        Column("holdings_btc", pl.Float64, "Bitcoin it holds."),
        Column("price_usd", pl.Float64, "Price of a Bitcoin it reckons with, US dollars."),
        Column(
            "mnav_ratio", pl.Float64, "What the market pays for its coins over their price; redefined in July 2026."
        ),
        Column("per_share_sats", pl.Float64, "Coins per assumed diluted share, hundred-millionths of a Bitcoin."),
        Column("debt_share_pct", pl.Float64, "Debt over the value of the coins, per cent."),
        Column("preferred_share_pct", pl.Float64, "Preferred shares over the value of the coins, per cent."),
        Column("debt_and_preferred_share_pct", pl.Float64, "Both over the value of the coins, per cent."),
        Column("yearly_obligations_usd", pl.Float64, "Interest and dividends due in a year, US dollars."),
        Column("bitcoin_cover_years", pl.Float64, "Years of them that the coins would pay for."),
        Column("dollar_cover_months", pl.Float64, "Months of them that the dollars at hand pay for."),
    ),
    key=("company", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="10 21 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=date(2024, 1, 1),
    fetch=fetch_bitcoin_kpis,
    parse=parse_bitcoin_kpis,
    docs_url="https://www.strategy.com",
    can_be_empty=True,
)

DATASETS = (BITCOIN_KPIS,)
