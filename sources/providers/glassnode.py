"""Glassnode: what long- and short-term holders of Bitcoin have and at what profit they sell, with a paid key.

Traps:
* The API is an add-on of the highest plan: a key of a lower one is refused, with 401 or 403 by metric.
* One metric a request; rows are `{"t", "v"}` and do not say which, so the request tells.
* `t` is the start of the interval in whole seconds, UTC. A balance stands at its end, a flow covers it.
* Metrics that need clustering take up to two hours after midnight; values are final only later, so a week is asked
  for again. Whole histories were recomputed in August 2024.
* The terms do not allow passing the figures on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, excerpt, in_turn
from sources.parsing import decode_json, ended_days, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="glassnode",
    title="Glassnode",
    homepage="https://docs.glassnode.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.glassnode.com/v1/metrics/indicators/sopr?a=BTC&i=24h&s=1735776000&u=1735862400",
    probe_statuses=(200, 401, 403),
    rates=(Rate(2, 1.0),),
)

SUPPLY_METRICS: Mapping[str, str] = {"lth": "supply/lth_sum", "sth": "supply/sth_sum"}
"""Paths by cohort."""

PROFITABILITY_METRICS: Mapping[str, str] = {
    "sopr": "indicators/sopr",
    "sth_sopr": "indicators/sopr_less_155",
    "mvrv": "market/mvrv",
}
"""Paths by metric."""

_URL = "https://api.glassnode.com/v1/metrics"


def _fetch(metrics: Mapping[str, str], window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((name, _series(window, client, path)) for name, path in metrics.items())


def _series(window: Window, client: Client, path: str) -> Iterator[Body]:
    params = {"a": "BTC", "i": "24h", "s": int(window.start.timestamp()), "u": int(window.end.timestamp())}
    yield client.get(f"{_URL}/{path}", params, secret_headers={"X-Api-Key": client.key})


def fetch_supply(window: Window, client: Client) -> Iterator[Body]:
    yield from _fetch(SUPPLY_METRICS, window, client)


def fetch_profitability(window: Window, client: Client) -> Iterator[Body]:
    yield from _fetch(PROFITABILITY_METRICS, window, client)


def _parse(body: Body, metrics: Mapping[str, str], label: str, figure: str) -> pl.DataFrame:
    name = next((name for name, path in metrics.items() if body.request.url.endswith(f"/{path}")), None)
    if name is None:
        raise Malformed(f"{body.request.url} is none of the metrics of this dataset", body=body)
    answer = decode_json(body)
    if isinstance(answer, dict):
        raise Rejected(f"{PROVIDER.title} answers with an object instead of rows: {excerpt(body)}", body=body)
    frame = table(rows_of(answer, body), body, fields=("t", "v"))
    shaped = shape(
        frame,
        body,
        {label: pl.lit(name), "day": instant("t", "s").dt.date(), figure: number("v")},
        nullable=(figure,),
    )
    if shaped["day"].is_duplicated().any():
        raise Malformed("a day comes twice: the interval is not 24 hours", body=body)
    return ended_days(shaped, "day", body)


def parse_supply(body: Body) -> pl.DataFrame:
    return _parse(body, SUPPLY_METRICS, "cohort", "supply_btc")


def parse_profitability(body: Body) -> pl.DataFrame:
    return _parse(body, PROFITABILITY_METRICS, "metric", "value_ratio")


_CADENCE = Cadence(
    cron="35 2 * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
)
_STARTS_ON = date(2017, 1, 1)

SUPPLY = Dataset(
    provider=PROVIDER,
    name="supply",
    subject="holders",
    description="Bitcoin in the hands of long- and short-term holders by day, addresses of one owner taken together.",
    grain="one row per cohort and UTC day",
    columns=(
        Column("cohort", pl.String, "lth for long-term holders, sth for short-term ones; they part at 155 days."),
        Column("day", pl.Date, "UTC day; the supply stands at its end."),
        Column("supply_btc", pl.Float64, "Bitcoin the cohort holds; null if not computed."),
    ),
    key=("cohort", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    fetch=fetch_supply,
    parse=parse_supply,
    docs_url="https://docs.glassnode.com/basic-api/endpoints/supply",
    needs_key="GLASSNODE_API_KEY",
)

PROFITABILITY = Dataset(
    provider=PROVIDER,
    name="profitability",
    subject="holders",
    description="At what profit Bitcoin is sold and held by day: SOPR, SOPR of short-term holders, and MVRV.",
    grain="one row per metric and UTC day",
    columns=(
        Column("metric", pl.String, "sopr, sth_sopr (coins moved within 155 days) or mvrv."),
        Column("day", pl.Date, "UTC day."),
        Column("value_ratio", pl.Float64, "Value over cost: of what was sold, or of all coins for mvrv."),
    ),
    key=("metric", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    fetch=fetch_profitability,
    parse=parse_profitability,
    docs_url="https://docs.glassnode.com/basic-api/endpoints/indicators",
    needs_key="GLASSNODE_API_KEY",
)

DATASETS = (SUPPLY, PROFITABILITY)
