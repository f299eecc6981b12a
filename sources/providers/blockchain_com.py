"""Blockchain.com charts: activity of the Bitcoin network by day, without a key.

Traps:
* Unless `sampled=false` is given, a long chart is thinned to about 1,500 points, and nothing says so.
* A point is stamped with the start of its day; the one of today covers the day so far.
* Figures may be written with an exponent (1.46277E7). Units are words of the vendor, one for each chart.
* `status` in the answer says whether it is one; a chart may be averaged over days, which `period` would say.
* Hash rate is estimated from the blocks of a day, so it jumps from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, in_turn
from sources.parsing import decode_json, ended_days, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="blockchain_com",
    title="Blockchain.com charts",
    homepage="https://www.blockchain.com/explorer/api/charts_api",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.blockchain.info/charts/hash-rate?timespan=5days&sampled=false&format=json",
    rates=(Rate(1, 2.0),),
)

CHARTS = (
    "hash-rate",
    "transaction-fees-usd",
    "miners-revenue",
    "n-unique-addresses",
    "estimated-transaction-volume-usd",
)

_ROOT = "https://api.blockchain.info/charts/"
_WHOLE_HISTORY_FROM = timedelta(days=300)


def fetch_network(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((chart, _chart(window, client, chart)) for chart in CHARTS)


def _chart(window: Window, client: Client, chart: str) -> Iterator[Body]:
    span: dict[str, str] = {"timespan": "all"}
    if window.end - window.start < _WHOLE_HISTORY_FROM:
        days = (window.end - window.start) // timedelta(days=1) + 1
        span = {"timespan": f"{days}days", "start": window.start.date().isoformat()}
    body = client.get(f"{_ROOT}{chart}", {**span, "sampled": "false", "format": "json"})
    # Handed on before it is looked at, so that it is kept whatever it holds.
    yield body
    _values(body)


def _values(body: Body) -> tuple[str, list[dict[str, Any]]]:
    """The unit and the points of a chart."""
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with values", body=body)
    if answer.get("status") != "ok":
        problem = answer.get("error") or answer.get("message") or answer.get("status")
        raise Rejected(f"{PROVIDER.title} answers with {problem}", body=body)
    if answer.get("period") != "day":
        raise Malformed(f"the chart is by {answer.get('period')}, not by day", body=body)
    unit = answer.get("unit")
    if not isinstance(unit, str) or "values" not in answer:
        raise Malformed("the chart has no unit or no values", body=body)
    return unit, rows_of(answer["values"], body)


def parse_network(body: Body) -> pl.DataFrame:
    unit, values = _values(body)
    frame = table(values, body, fields=("x", "y"))
    shaped = shape(
        frame,
        body,
        {
            "series_id": pl.lit(body.request.url.rpartition("/")[2]),
            "stamp": instant("x", "s"),
            "day": instant("x", "s").dt.date(),
            "value": number("y"),
            "unit": pl.lit(unit),
        },
        nullable=("value",),
    )
    # A whole chart begins in 2009, when blocks were days apart; what is older than our history is not ours to judge.
    shaped = shaped.filter(pl.col("day") >= NETWORK.starts_on)
    if not (shaped["stamp"].dt.truncate("1d") == shaped["stamp"]).all():
        raise Malformed("a point is not stamped with the start of a day", body=body)
    return ended_days(shaped.drop("stamp"), "day", body)


NETWORK = Dataset(
    provider=PROVIDER,
    name="network",
    subject="holders",
    description="Activity of the Bitcoin network: hash rate, fees, miners' revenue, addresses and estimated volume.",
    grain="one row per chart and UTC day",
    columns=(
        Column("series_id", pl.String, "The vendor's name of the chart, such as hash-rate."),
        Column("day", pl.Date, "UTC day the figure covers."),
        Column("value", pl.Float64, "Figure, in the unit beside it."),
        Column("unit", pl.String, "Unit, in the vendor's words."),
    ),
    key=("series_id", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="40 6 * * *", lag=timedelta(hours=6), revised_for=timedelta(days=7), stale_after=timedelta(days=4)
    ),
    starts_on=date(2017, 1, 1),
    fetch=fetch_network,
    parse=parse_network,
    docs_url="https://www.blockchain.com/explorer/api/charts_api",
)

DATASETS = (NETWORK,)
