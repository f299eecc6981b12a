"""European Central Bank data API: the Composite Indicator of Systemic Stress by day, without a key.

Traps:
* The indicator is `SS_CIN` ("new CISS"). The one before it, `SS_CI`, stands still and answers all the same.
* Areas are asked for together, joined by `+`: an area that the bank does not have is then left out of the answer,
  where a request of its own would be a 404.
* Columns besides the key, the period and the value are attributes of which there are forty; `detail=dataonly` leaves
  out most. They are read by name.
* A query that matches nothing is a 404 with a JSON document.
* A missing value is a blank or `NaN`: no observation, and the row is dropped.
* The window is named by `startPeriod` and `endPeriod`, both included.
* The host of old, sdw-wsrest.ecb.europa.eu, is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Window
from sources.errors import Malformed
from sources.http import Client, excerpt
from sources.parsing import complete_lines, day, number, read_csv, shape

AREAS = ("U2", "US", "GB", "CN")
"""The euro area, the United States, the United Kingdom, China."""

_URL = f"https://data-api.ecb.europa.eu/service/data/CISS/D.{'+'.join(AREAS)}.Z0Z.4F.EC.SS_CIN.IDX"

PROVIDER = Provider(
    name="ecb",
    title="European Central Bank",
    homepage="https://data.ecb.europa.eu/help/api/data",
    licence=Licence.ATTRIBUTION,
    probe_url=f"{_URL}?format=csvdata&detail=dataonly&lastNObservations=1",
)

_DIMENSIONS = (
    "KEY",
    "FREQ",
    "CURRENCY",
    "PROVIDER_FM",
    "INSTRUMENT_FM",
    "PROVIDER_FM_ID",
    "DATA_TYPE_FM",
)


def fetch_ciss(window: Window, client: Client) -> Iterator[Body]:
    last_day = (window.end - timedelta(microseconds=1)).date()
    yield client.get(
        _URL,
        {"format": "csvdata", "detail": "dataonly", "startPeriod": window.start.date(), "endPeriod": last_day},
    )


def parse_ciss(body: Body) -> pl.DataFrame:
    frame = read_csv(complete_lines(body).encode(), body, columns=("KEY",))
    needed = ("FREQ", "REF_AREA", "PROVIDER_FM_ID", "TIME_PERIOD", "OBS_VALUE")
    if missing := [name for name in needed if name not in frame.columns]:
        raise Malformed(f"expected the columns {', '.join(missing)}: {excerpt(body)!r}", body=body)
    other = frame.filter((pl.col("FREQ") != "D") | (pl.col("PROVIDER_FM_ID") != "SS_CIN"))
    if other.height:
        raise Malformed(f"{other.height} rows are of another series than the daily SS_CIN", body=body)
    return shape(
        frame.filter(~pl.col("OBS_VALUE").fill_null("NaN").is_in(["NaN", ""])),
        body,
        {"area": pl.col("REF_AREA"), "observed_on": day("TIME_PERIOD"), "ciss_index": number("OBS_VALUE")},
        unused=_DIMENSIONS,
    )


CISS = Dataset(
    provider=PROVIDER,
    name="ciss",
    subject="macro",
    description="Systemic stress in the financial system, from 0 to 1: high where many markets are strained at once.",
    grain="one row per area and business day",
    columns=(
        Column("area", pl.String, "Area by the bank's code: U2 is the euro area; US, GB and CN are countries."),
        Column("observed_on", pl.Date, "Day the value is about; not the day it was published."),
        Column("ciss_index", pl.Float64, "Composite Indicator of Systemic Stress, from 0 (none) to 1."),
    ),
    key=("area", "observed_on"),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="50 14 * * *", lag=timedelta(days=3), revised_for=timedelta(days=30), stale_after=timedelta(days=10)
    ),
    starts_on=date(2015, 1, 1),
    fetch=fetch_ciss,
    parse=parse_ciss,
    docs_url="https://data.ecb.europa.eu/data/datasets/CISS",
)

DATASETS = (CISS,)
