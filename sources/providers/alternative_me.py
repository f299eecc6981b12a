"""alternative.me: the Crypto Fear & Greed index, one number a day, without a key.

Traps:
* There are no dates to ask by, only a count from the newest day back; a long window asks for everything.
* Numbers and unix seconds are text. Newest first. Only the newest row says when the next one is due.
* A few days are missing (2024-10-26). The boundaries of the classes have moved: use the number.
* An error travels in `metadata.error` of an HTTP 200.
* Another index of the same name by another vendor is a different series.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client
from sources.parsing import decode_json, instant, rows_of, shape, table, whole

PROVIDER = Provider(
    name="alternative_me",
    title="alternative.me",
    homepage="https://alternative.me/crypto/fear-and-greed-index/",
    licence=Licence.ATTRIBUTION,
    probe_url="https://api.alternative.me/fng/?limit=1&format=json",
    rates=(Rate(1, 1.0), Rate(30, 60.0)),
)

_URL = "https://api.alternative.me/fng/"
_EVERYTHING = 0
_LONGEST_COUNT_DAYS = 90


def fetch_fear_greed(window: Window, client: Client) -> Iterator[Body]:
    # Counted from now and not from the window's end: that is where the vendor starts to count.
    days = (client.now - window.start).days
    limit = days + 2 if days <= _LONGEST_COUNT_DAYS else _EVERYTHING
    yield client.get(_URL, {"limit": limit, "format": "json"})


def parse_fear_greed(body: Body) -> pl.DataFrame:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with data", body=body)
    if error := (answer.get("metadata") or {}).get("error"):
        raise Rejected(f"{PROVIDER.title} answers with an error: {error}", body=body)
    frame = table(
        rows_of(answer.get("data"), body),
        body,
        fields=("value", "value_classification", "timestamp"),
        unused=("time_until_update",),
    )
    shaped = shape(
        frame,
        body,
        {
            "day": instant("timestamp", "s").dt.date(),
            "fear_greed_index": whole("value"),
            "classification": pl.col("value_classification"),
        },
    )
    if not shaped["fear_greed_index"].is_between(0, 100).all():
        raise Malformed("an index value lies outside 0 to 100", body=body)
    return shaped


FEAR_GREED = Dataset(
    provider=PROVIDER,
    name="fear_greed",
    subject="sentiment",
    description="Crypto Fear & Greed index: 0 is extreme fear, 100 extreme greed. A closed formula of the vendor.",
    grain="one row per UTC day",
    columns=(
        Column("day", pl.Date, "UTC day at whose start the value was published."),
        Column("fear_greed_index", pl.Int64, "Index, 0 to 100."),
        Column("classification", pl.String, "The vendor's word for it; its boundaries have moved over time."),
    ),
    key=("day",),
    time_column="day",
    period=timedelta(0),
    cadence=Cadence(
        cron="25 * * * *", lag=timedelta(minutes=15), revised_for=timedelta(days=3), stale_after=timedelta(days=2)
    ),
    starts_on=date(2018, 2, 1),
    fetch=fetch_fear_greed,
    parse=parse_fear_greed,
    docs_url="https://alternative.me/crypto/fear-and-greed-index/#api",
)

DATASETS = (FEAR_GREED,)
