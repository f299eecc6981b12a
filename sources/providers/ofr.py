"""Office of Financial Research: the OFR Financial Stress Index by day, without a key.

Traps:
* The answer is always the whole history since 2000, and all of it may be restated when the weights move.
* Two business days late: a Thursday's value comes on Monday.
* There are rows on US holidays, because the index is of the world's markets; there are none on weekends.
* The five categories add up to the headline, and so do the three regions. A copy may hold the headline alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Window
from sources.http import Client
from sources.parsing import complete_lines, day, number, read_csv, shape
from sources.releases import business_day, new_york

_URL = "https://www.financialresearch.gov/financial-stress-index/data/fsi.csv"

PROVIDER = Provider(
    name="ofr",
    title="Office of Financial Research",
    homepage="https://www.financialresearch.gov/financial-stress-index/",
    licence=Licence.PUBLIC_DOMAIN,
    # There is no smaller request: half a megabyte.
    probe_url=_URL,
)

_PARTS = {
    "credit_stress_index": "Credit",
    "equity_valuation_stress_index": "Equity valuation",
    "safe_assets_stress_index": "Safe assets",
    "funding_stress_index": "Funding",
    "volatility_stress_index": "Volatility",
    "united_states_stress_index": "United States",
    "other_advanced_economies_stress_index": "Other advanced economies",
    "emerging_markets_stress_index": "Emerging markets",
}


def fetch_financial_stress(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_URL)


def parse_financial_stress(body: Body) -> pl.DataFrame:
    frame = read_csv(complete_lines(body).encode(), body, columns=("Date", "OFR FSI", *_PARTS.values()))
    return shape(
        frame,
        body,
        {
            "observed_on": day("Date"),
            "financial_stress_index": number("OFR FSI"),
            **{name: number(heading) for name, heading in _PARTS.items()},
        },
        nullable=_PARTS,
    )


FINANCIAL_STRESS = Dataset(
    provider=PROVIDER,
    name="financial_stress",
    subject="macro",
    description="Stress in the world's financial markets, zero on average, with what categories and regions add to it.",
    grain="one row per business day",
    columns=(
        Column("observed_on", pl.Date, "Day the value is about; not the day it was published."),
        Column("financial_stress_index", pl.Float64, "Headline: above zero is more stress than usual."),
        Column("credit_stress_index", pl.Float64, "Part of the headline from credit spreads."),
        Column("equity_valuation_stress_index", pl.Float64, "Part of the headline from share prices."),
        Column("safe_assets_stress_index", pl.Float64, "Part of the headline from the flight to safe assets."),
        Column("funding_stress_index", pl.Float64, "Part of the headline from funding markets."),
        Column("volatility_stress_index", pl.Float64, "Part of the headline from implied and realised volatility."),
        Column("united_states_stress_index", pl.Float64, "Part of the headline from the United States."),
        Column("other_advanced_economies_stress_index", pl.Float64, "Part from other advanced economies."),
        Column("emerging_markets_stress_index", pl.Float64, "Part of the headline from emerging markets."),
    ),
    key=("observed_on",),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="35 22 * * *", lag=timedelta(days=4), revised_for=timedelta(days=30), stale_after=timedelta(days=8)
    ),
    starts_on=date(2000, 1, 3),
    fetch=fetch_financial_stress,
    parse=parse_financial_stress,
    docs_url="https://www.financialresearch.gov/financial-stress-index/",
    available_at=new_york(business_day(pl.col("observed_on"), 2), 17),
)

DATASETS = (FINANCIAL_STRESS,)
