"""ALFRED, the archive of FRED: what a series said on a day of the past, without a key.

FRED serves a series as it is estimated now. STLFSI4 and NFCI are estimated again over their whole history every week,
so a backtest that reads FRED knows what nobody knew then. ALFRED keeps every vintage.

One vintage a week is asked for, that of Thursday: the dollar index is released on Monday, both stress indices on
Wednesday, and a holiday moves a release by a day at most. A vintage date says what was in force at the end of that
day in New York, so a vintage is asked for once its day is over there, and only once.

A vintage is a whole history. Kept is its newest part, `DAYS_BACK` days: what an indicator of the day could have used.
Whole histories would be a thousand rows a week and series, nearly all of them what they were a week before.

Traps:
* The heading carries the vintage, `STLFSI4_20240705`. It is the proof: `fredgraph.csv` on the sister host takes
  `vintage_date` as well and ignores it.
* A date without a release gives the vintage in force, under the date that was asked for.
* No observation is `.` or a blank, as on FRED. The date column has had two names there, so both read here.
* Where the licence has cut a series on FRED (ICE, three years), it is cut here, too.
* A user agent that FRED does not know can go unanswered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import polars as pl

from sources.dataset import UTC, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, excerpt, in_turn
from sources.parsing import day, number, read_csv, shape
from sources.releases import new_york

PROVIDER = Provider(
    name="alfred",
    title="ALFRED, Federal Reserve Bank of St. Louis",
    homepage="https://alfred.stlouisfed.org",
    licence=Licence.ATTRIBUTION,
    probe_url="https://alfred.stlouisfed.org/graph/alfredgraph.csv"
    "?id=STLFSI4&vintage_date=2025-01-09&cosd=2024-12-01&coed=2025-01-09",
    # The limits of FRED, whose house it is.
    rates=(Rate(2, 1.0), Rate(100, 60.0)),
    user_agent=f"python-httpx/{httpx.__version__}",
)

SERIES = ("STLFSI4", "NFCI", "DTWEXBGS")
"""The St. Louis and Chicago stress indices and the broad dollar index, all of the Federal Reserve."""

DAYS_BACK = 60

_URL = "https://alfred.stlouisfed.org/graph/alfredgraph.csv"
_DATE_HEADINGS = ("observation_date", "DATE")
_NEW_YORK = ZoneInfo("America/New_York")
_THURSDAY = 3


def fetch_vintages(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn(
        (f"{series_id} of {on}", _vintage(client, series_id, on))
        for on in _vintage_dates(window)
        for series_id in SERIES
    )


def _vintage_dates(window: Window) -> Iterator[date]:
    """The Thursdays that end in New York within a window: each belongs to one window, wherever windows meet."""
    for on in Window(window.start - timedelta(days=1), window.end).days():
        if on.weekday() == _THURSDAY and window.start <= _is_over_at(on) < window.end:
            yield on


def _is_over_at(on: date) -> datetime:
    return datetime.combine(on + timedelta(days=1), time(0), _NEW_YORK).astimezone(UTC)


def _vintage(client: Client, series_id: str, on: date) -> Iterator[Body]:
    first = on - timedelta(days=DAYS_BACK)
    yield client.get(_URL, {"id": series_id, "vintage_date": on, "cosd": first, "coed": on})


def parse_vintages(body: Body) -> pl.DataFrame:
    series_id, vintage = body.request.param("id"), body.request.param("vintage_date")
    if body.content.startswith(b"PK"):
        raise Malformed("the answer is a zip: more than one frequency was asked for", body=body)
    if not body.content.endswith(b"\n"):
        raise Malformed(f"the answer is cut off or no CSV: {excerpt(body)!r}", body=body)
    heading = f"{series_id}_{vintage.replace('-', '')}"
    frame = read_csv(body.text().encode(), body, columns=("observation_date", heading))
    dated = next((name for name in _DATE_HEADINGS if name in frame.columns), None)
    if dated is None or heading not in frame.columns:
        raise Malformed(
            f"expected the columns observation_date and {heading}, without which it is not known to be that vintage: "
            f"{excerpt(body)!r}",
            body=body,
        )
    shaped = shape(
        frame.filter(pl.col(heading).is_not_null() & (pl.col(heading) != ".")),
        body,
        {
            "series_id": pl.lit(series_id),
            "observed_on": day(dated),
            "vintage_on": pl.lit(vintage).str.to_date("%Y-%m-%d"),
            "value": number(heading),
        },
    )
    if shaped.filter(pl.col("observed_on") > pl.col("vintage_on")).height:
        raise Malformed(f"the vintage of {vintage} holds days after it", body=body)
    return shaped


VINTAGES = Dataset(
    provider=PROVIDER,
    name="vintages",
    subject="macro",
    description="What series that are restated said at the time: the newest 60 days of each Thursday's vintage.",
    grain="one row per series, day with an observation and vintage",
    columns=(
        Column("series_id", pl.String, "The vendor's id of the series, as on FRED."),
        Column("observed_on", pl.Date, "Day the value is about."),
        Column("vintage_on", pl.Date, "Thursday at whose end, in New York, the value stood so."),
        Column("value", pl.Float64, "Value in that vintage, in the unit of the series: index points."),
    ),
    key=("series_id", "observed_on", "vintage_on"),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        # On Saturday, so that the window after it begins behind the Thursday that was asked for.
        cron="15 6 * * 6",
        lag=timedelta(days=14),
        revised_for=timedelta(0),
        stale_after=timedelta(days=21),
        calendar="nyse",
    ),
    # A vintage is a request: history is bounded to what spot ETFs of Bitcoin have lived through.
    starts_on=date(2024, 1, 1),
    chunk=timedelta(days=91),
    fetch=fetch_vintages,
    parse=parse_vintages,
    docs_url="https://alfred.stlouisfed.org/help",
    available_at=new_york(pl.col("vintage_on"), 24),
    # A window without a Thursday has nothing to ask for.
    can_be_empty=True,
)

DATASETS = (VINTAGES,)
