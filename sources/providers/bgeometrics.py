"""BGeometrics (bitcoin-data.com): Bitcoin holder metrics from the chain, without a key.

Traps:
* Eight requests an hour and fifteen a day: each dataset asks once for its whole window.
* The value's key is the metric's own name (`lthSupply`); day and unix seconds stand beside it, the latter as text.
* Whole histories are recomputed at times, so old values change.
* The exchange reserve carries the stamp of the start of the day: what is said of a day is what the day before left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.http import Client
from sources.parsing import day, decode_json, number, rows_of, shape, table

PROVIDER = Provider(
    name="bgeometrics",
    title="BGeometrics",
    homepage="https://bitcoin-data.com",
    licence=Licence.NON_COMMERCIAL,
    probe_url="https://bitcoin-data.com/api/v1/sopr?startday=2025-01-01&endday=2025-01-01",
    rates=(Rate(8, 3600.0), Rate(15, 86400.0)),
)


def _metric(path: str, field: str, column: Column, *, name: str, description: str) -> Dataset:
    """The dataset of one metric: they differ in nothing but the path, the JSON key and the name of the figure."""

    def fetch(window: Window, client: Client) -> Iterator[Body]:
        last_day = (window.end - timedelta(microseconds=1)).date()
        url = f"https://bitcoin-data.com/api/v1/{path}"
        yield client.get(url, {"startday": window.start.date(), "endday": last_day})

    def parse(body: Body) -> pl.DataFrame:
        frame = table(rows_of(decode_json(body), body), body, fields=("d", field), unused=("unixTs",))
        return shape(frame, body, {"day": day("d"), column.name: number(field)}, nullable=(column.name,))

    return Dataset(
        provider=PROVIDER,
        name=name,
        subject="holders",
        description=description,
        grain="one row per UTC day",
        columns=(Column("day", pl.Date, "UTC day the figure covers."), column),
        key=("day",),
        time_column="day",
        period=timedelta(days=1),
        cadence=Cadence(
            cron="15 13 * * *", lag=timedelta(hours=12), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
        ),
        starts_on=date(2017, 1, 1),
        fetch=fetch,
        parse=parse,
        docs_url="https://bitcoin-data.com/api/scalar.html",
    )


LTH_SUPPLY = _metric(
    "lth-supply",
    "lthSupply",
    Column("lth_supply_btc", pl.Float64, "Bitcoin not moved for 155 days or more."),
    name="lth_supply",
    description="Supply of Bitcoin in the hands of long-term holders.",
)
STH_SOPR = _metric(
    "sth-sopr",
    "sthSopr",
    Column("sth_sopr_ratio", pl.Float64, "Value at sale over value at purchase, coins moved within 155 days."),
    name="sth_sopr",
    description="Spent output profit ratio of short-term holders: below one they sell at a loss.",
)
SOPR = _metric(
    "sopr",
    "sopr",
    Column("sopr_ratio", pl.Float64, "Value at sale over value at purchase, all coins moved."),
    name="sopr",
    description="Spent output profit ratio of all holders.",
)
REALIZED_PRICE = _metric(
    "realized-price",
    "realizedPrice",
    Column("realized_price_usd", pl.Float64, "Mean price at which coins last moved, US dollars."),
    name="realized_price",
    description="Realised capitalisation over supply: the market's average cost.",
)
EXCHANGE_RESERVE = _metric(
    "exchange-reserve-btc",
    "exchangeReserveBtc",
    Column(
        "exchange_reserve_btc",
        pl.Float64,
        "Bitcoin on known exchange addresses at the start of the day: what the day before left.",
    ),
    name="exchange_reserve",
    description="Bitcoin that lies on exchanges, stamped with the start of the day.",
)

DATASETS = (LTH_SUPPLY, STH_SOPR, SOPR, REALIZED_PRICE, EXCHANGE_RESERVE)
