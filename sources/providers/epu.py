"""Economic Policy Uncertainty (Baker, Bloom and Davis): the daily index of US newspapers, without a key.

The authors' own file, because FRED's copy of it (USEPUINDXD) is a day behind and differs in recent days.

Traps:
* The day stands in three columns, `day,month,year`, as plain numbers without leading zeros.
* Every calendar day has a value, weekends too. The newest days rise and fall as newspapers arrive in the database.
* The answer is always the whole history since 1985; rows before 2000 are left out.
* Such files of the authors may end in notes: a line with neither year nor value is not a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Window
from sources.errors import Malformed
from sources.http import Client, excerpt
from sources.parsing import complete_lines, ended_days, number, read_csv, shape

_URL = "https://www.policyuncertainty.com/media/All_Daily_Policy_Data.csv"

PROVIDER = Provider(
    name="epu",
    title="Economic Policy Uncertainty",
    homepage="https://www.policyuncertainty.com/us_monthly.html",
    licence=Licence.ATTRIBUTION,
    # There is no smaller request: a quarter of a megabyte.
    probe_url=_URL,
)

_COLUMNS = ("day", "month", "year", "daily_policy_index")


def fetch_policy_uncertainty(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_URL)


def parse_policy_uncertainty(body: Body) -> pl.DataFrame:
    frame = read_csv(complete_lines(body).encode(), body, columns=_COLUMNS)
    if missing := [name for name in _COLUMNS if name not in frame.columns]:
        raise Malformed(f"expected the columns {', '.join(missing)}: {excerpt(body)!r}", body=body)
    is_note = pl.col("year").is_null() & pl.col("daily_policy_index").is_null()
    is_old = pl.col("year").fill_null("").str.contains(r"^19\d\d$")
    written = pl.concat_str("year", "month", "day", separator="-")
    shaped = shape(
        frame.filter(~is_note & ~is_old),
        body,
        {
            "observed_on": written.str.to_date("%Y-%m-%d", strict=True, exact=True),
            "policy_uncertainty_index": number("daily_policy_index"),
        },
    )
    return ended_days(shaped, "observed_on", body)


POLICY_UNCERTAINTY = Dataset(
    provider=PROVIDER,
    name="policy_uncertainty",
    subject="macro",
    description="Uncertainty about economic policy in the United States, by the share of newspaper articles about it.",
    grain="one row per day",
    columns=(
        Column("observed_on", pl.Date, "Day of the newspapers."),
        Column("policy_uncertainty_index", pl.Float64, "Index, 100 on average from 1985 to 2009; noisy by day."),
    ),
    key=("observed_on",),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="25 15 * * *", lag=timedelta(days=2), revised_for=timedelta(days=30), stale_after=timedelta(days=7)
    ),
    starts_on=date(2000, 1, 1),
    fetch=fetch_policy_uncertainty,
    parse=parse_policy_uncertainty,
    docs_url="https://www.policyuncertainty.com/us_monthly.html",
)

DATASETS = (POLICY_UNCERTAINTY,)
