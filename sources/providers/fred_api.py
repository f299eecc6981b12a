"""FRED API with vintages (ALFRED): what a macro figure was said to be, and from which day on, with a free key.

The graph CSV of `fred` shows the figures as they stand today. This is for series that are estimated again later, for
which a figure of today is not what anybody knew then.

Traps:
* A window here is one of publication: which figures appeared during it, whatever day they are about.
* `realtime_start` of a figure that was already there is cut to the first day that is asked for. So one more day is
  asked for in front, and what bears its stamp is older and left out.
* At most 2,000 days of publication a request; a daily series makes 250 a year, hence the chunks.
* Days are those of St. Louis, where it can still be yesterday: a window that reaches the present is left open at the
  end (9999-12-31). A day of publication has no hour, so a figure counts as known when that day is over there.
* An error is HTTP 400 with `{"error_code", "error_message"}`, also for a series that does not exist. A period before
  the first vintage of a series is such an error, too, and means no rows.
* A missing value is `.`. It is kept as a null: a figure can be withdrawn.
* The stress and conditions indices (STLFSI4, NFCI) are estimated again over their whole history every week.
* Pages of at most 100,000 rows; `count` says how many there are in all.
* The key goes in the query.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, in_turn
from sources.parsing import day, decode_json, number, rows_of, shape, table

PROVIDER = Provider(
    name="fred_api",
    title="FRED API with vintages, Federal Reserve Bank of St. Louis",
    homepage="https://fred.stlouisfed.org/docs/api/fred/",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.stlouisfed.org/fred/series/observations?series_id=STLFSI4&file_type=json&limit=1",
    # Without a key the answer is 400, in the provider's own words.
    probe_statuses=(200, 400),
    rates=(Rate(2, 1.0), Rate(100, 60.0)),
)

SERIES = ("STLFSI4", "NFCI", "DTWEXBGS", "WALCL", "M2SL")

_URL = "https://api.stlouisfed.org/fred/series/observations"
_ST_LOUIS = ZoneInfo("America/Chicago")
_OPEN_END = "9999-12-31"
_PAGE_SIZE = 100_000
_TOO_MANY_REQUESTS = "429"
_NO_VINTAGE_YET = "does not exist in ALFRED"
_STARTS_ON = date(2015, 1, 1)
_LATE = timedelta(days=60)


def fetch_observations(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((series_id, _pages(window, client, series_id)) for series_id in SERIES)


def _pages(window: Window, client: Client, series_id: str) -> Iterator[Body]:
    last_day = (window.end - timedelta(microseconds=1)).date()
    reaches_now = last_day >= client.now.astimezone(_ST_LOUIS).date()
    params: dict[str, object] = {
        "series_id": series_id,
        "file_type": "json",
        "realtime_start": window.start.date() - timedelta(days=1),
        "realtime_end": _OPEN_END if reaches_now else last_day,
        "observation_start": _STARTS_ON,
        "limit": _PAGE_SIZE,
    }
    offset = 0
    while True:
        body = client.get(_URL, {**params, "offset": offset}, accept=(200, 400), secret_params={"api_key": client.key})
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        answer = _answer(body)
        found, count = len(answer["observations"]), str(answer.get("count"))
        offset += found
        if not count.isdigit():
            raise Malformed(f"count {count!r} is no number", body=body)
        if offset >= int(count):
            return
        if not found:
            raise Malformed(f"{offset} of {count} observations have come and the next page is empty", body=body)


def _answer(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with observations", body=body)
    if "error_code" in answer or "error_message" in answer:
        code, message = answer.get("error_code"), " ".join(str(answer.get("error_message")).split())
        # A series that was there and is not any more is no matter of the period.
        if _NO_VINTAGE_YET in message and body.window.end < body.retrieved_at - _LATE:
            return {"count": "0", "observations": []}
        problem = f"{PROVIDER.title} answers with error {code}: {message}"
        raise (RateLimited if code == _TOO_MANY_REQUESTS else Rejected)(problem, body=body)
    if not isinstance(answer.get("observations"), list):
        raise Malformed("the answer holds neither observations nor an error", body=body)
    return answer


def parse_observations(body: Body) -> pl.DataFrame:
    frame = table(
        rows_of(_answer(body)["observations"], body),
        body,
        fields=("realtime_start", "date", "value"),
        unused=("realtime_end",),
    )
    shaped = shape(
        frame.with_columns(pl.col("value").replace(".", None)),
        body,
        {
            "series_id": pl.lit(body.request.param("series_id")),
            "observed_on": day("date"),
            "published_on": day("realtime_start"),
            "value": number("value"),
        },
        nullable=("value",),
    )
    asked_from = date.fromisoformat(body.request.param("realtime_start"))
    return shaped.filter(pl.col("published_on") > asked_from)


_DAY_OVER = (
    (pl.col("published_on") + pl.duration(days=1))
    .cast(pl.Datetime("us"))
    .dt.replace_time_zone(str(_ST_LOUIS))
    .dt.convert_time_zone("UTC")
)

OBSERVATIONS = Dataset(
    provider=PROVIDER,
    name="observations",
    subject="macro",
    description="US series that are estimated again later, each figure with the day from which it was the one on show: "
    "stress and financial conditions indices, the broad dollar index, the Federal Reserve's balance sheet, M2.",
    grain="one row per series, day the figure is about and day it was published or changed",
    columns=(
        Column("series_id", pl.String, "The vendor's id of the series."),
        Column("observed_on", pl.Date, "Day, or first day of the period, that the figure is about."),
        Column("published_on", pl.Date, "Day in St. Louis on which this figure first was the one on show."),
        Column("value", pl.Float64, "Value, in the unit of the series; null where it shows none."),
    ),
    key=("series_id", "observed_on", "published_on"),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="40 22 * * *", lag=timedelta(days=1), revised_for=timedelta(days=3), stale_after=timedelta(days=14)
    ),
    starts_on=_STARTS_ON,
    chunk=timedelta(days=4 * 365),
    fetch=fetch_observations,
    parse=parse_observations,
    docs_url="https://fred.stlouisfed.org/docs/api/fred/series_observations.html",
    available_at=_DAY_OVER,
    needs_key="FRED_API_KEY",
)

DATASETS = (OBSERVATIONS,)
