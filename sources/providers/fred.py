"""FRED graph CSV (Federal Reserve Bank of St. Louis): macro series, one per request, without a key.

Traps:
* The date column was `DATE` until December 2024 and is `observation_date` since.
* No observation is `.` or a blank: markets were closed, and the row is dropped. It is not zero.
* Several ids of different frequency in one request come as a zip: so one id a request.
* A user agent that FRED does not know can go unanswered, so it gets the HTTP library's own.
* History shortens: ICE series (BAMLH0A0HYM2) serve three rolling years, SP500 ten. Rows already landed stay.
* ICE series have a row on a month-end that falls on a weekend.
* STLFSI4 is estimated again over its whole history every week: the weekly dataset asks for everything each time.
* The dates say what a value is about and never when it was known; release times are set here, series by series.
* Terms differ by series. Treasury and Federal Reserve figures are public domain; VIXCLS, SP500, BAA10Y and the ICE
  series belong to others, so the whole is marked as not to be redistributed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, excerpt, in_turn
from sources.parsing import day, number, read_csv, shape
from sources.releases import business_day, in_next_week, new_york

PROVIDER = Provider(
    name="fred",
    title="FRED, Federal Reserve Bank of St. Louis",
    homepage="https://fred.stlouisfed.org",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://fred.stlouisfed.org/graph/fredgraph.csv?id=VIXCLS&cosd=2025-01-02&coed=2025-01-10",
    rates=(Rate(2, 1.0), Rate(100, 60.0)),
    user_agent=f"python-httpx/{httpx.__version__}",
)

DAILY_SERIES = ("VIXCLS", "SP500", "DGS2", "DGS10", "BAA10Y", "BAMLH0A0HYM2", "T5YIE", "T10YIE", "DCOILWTICO")
WEEKLY_SERIES = ("DTWEXBGS", "STLFSI4")

_URL = "https://fred.stlouisfed.org/graph/fredgraph.csv"
_DATE_HEADINGS = ("observation_date", "DATE")


def fetch_daily_series(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((series_id, _series(window, client, series_id)) for series_id in DAILY_SERIES)


def fetch_weekly_series(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((series_id, _series(window, client, series_id)) for series_id in WEEKLY_SERIES)


def _series(window: Window, client: Client, series_id: str) -> Iterator[Body]:
    last_day = (window.end - timedelta(microseconds=1)).date()
    yield client.get(_URL, {"id": series_id, "cosd": window.start.date(), "coed": last_day})


def parse_series(body: Body) -> pl.DataFrame:
    series_id = body.request.param("id")
    if body.content.startswith(b"PK"):
        raise Malformed("the answer is a zip: more than one frequency was asked for", body=body)
    if not body.content.endswith(b"\n"):
        raise Malformed(f"the answer is cut off or no CSV: {excerpt(body)!r}", body=body)
    frame = read_csv(body.text().encode(), body, columns=("observation_date", series_id))
    dated = next((name for name in _DATE_HEADINGS if name in frame.columns), None)
    if dated is None or series_id not in frame.columns:
        raise Malformed(f"expected the columns observation_date and {series_id}: {excerpt(body)!r}", body=body)
    return shape(
        frame.filter(pl.col(series_id).is_not_null() & (pl.col(series_id) != ".")),
        body,
        {"series_id": pl.lit(series_id), "observed_on": day(dated), "value": number(series_id)},
    )


_OBSERVED = pl.col("observed_on")
_DAILY_RELEASE = (
    pl.when(pl.col("series_id").is_in(["VIXCLS", "SP500"]))
    .then(new_york(business_day(_OBSERVED, 1), 9))
    .when(pl.col("series_id") == "DCOILWTICO")
    .then(new_york(business_day(_OBSERVED, 3), 17))
    .otherwise(new_york(business_day(_OBSERVED, 1), 17))
)
_WEEKLY_RELEASE = (
    # The dollar index comes in a block of a week's days, the stress index as the figure of the Friday before.
    pl.when(pl.col("series_id") == "DTWEXBGS")
    .then(new_york(in_next_week(_OBSERVED, 0), 16, 30))
    .otherwise(new_york(in_next_week(_OBSERVED, 2), 10))
)

_COLUMNS = (
    Column("series_id", pl.String, "The vendor's id of the series."),
    Column("observed_on", pl.Date, "Day the value is about; not the day it was published."),
    Column("value", pl.Float64, "Value, in the unit of the series: per cent, index points or US dollars."),
)

DAILY = Dataset(
    provider=PROVIDER,
    name="daily_series",
    subject="macro",
    description="US market series: VIX, S&P 500, Treasury yields, credit spreads, break-even inflation, oil.",
    grain="one row per series and day with an observation",
    columns=_COLUMNS,
    key=("series_id", "observed_on"),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="30 22 * * *",
        lag=timedelta(days=1),
        revised_for=timedelta(days=30),
        stale_after=timedelta(days=5),
        calendar="nyse",
    ),
    starts_on=date(2015, 1, 1),
    fetch=fetch_daily_series,
    parse=parse_series,
    docs_url="https://fred.stlouisfed.org/docs/api/fred/",
    available_at=_DAILY_RELEASE,
)

WEEKLY = Dataset(
    provider=PROVIDER,
    name="weekly_series",
    subject="macro",
    description="US series published once a week: the broad dollar index (by day) and the St. Louis stress index.",
    grain="one row per series and day with an observation",
    columns=_COLUMNS,
    key=("series_id", "observed_on"),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="0 22 * * 1",
        lag=timedelta(days=5),
        revised_for=timedelta(days=3660),
        stale_after=timedelta(days=14),
        calendar="nyse",
    ),
    starts_on=date(2015, 1, 1),
    fetch=fetch_weekly_series,
    parse=parse_series,
    docs_url="https://fred.stlouisfed.org/docs/api/fred/",
    available_at=_WEEKLY_RELEASE,
)

DATASETS = (DAILY, WEEKLY)
