"""Wikipedia: how often the articles on crypto are read, by day, without a key.

Traps:
* The window is part of the path, both days included; a day without views is left out and is not a zero.
* HTTP 404 says "no data for those dates" of a day that is not loaded yet, of an article that did not exist then, and
  of an article that does not exist at all. So it is no rows, but over weeks that reach up to now it is a fault: the
  article has been renamed, and views stay with the title they were counted under.
* Stamps are `YYYYMMDD00`. History begins on 2015-07-01; an earlier start is cut off without a word.
* A client without a name is refused (403). The foundation asks for a way to be reached in the name: set
  WIKIMEDIA_CONTACT to a mail address or a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import USER_AGENT, Client, in_turn
from sources.parsing import decode_json, ended_days, rows_of, shape, table, whole

PROVIDER = Provider(
    name="wikipedia",
    title="Wikimedia pageviews",
    homepage="https://doc.wikimedia.org/generated-data-platform/aqs/analytics-api/",
    licence=Licence.PUBLIC_DOMAIN,
    probe_url="https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user/Bitcoin"
    "/daily/20250102/20250103",
    rates=(Rate(5, 1.0),),
)

ARTICLES = ("Bitcoin", "Ethereum", "Cryptocurrency", "Stablecoin")

_URL = "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user"
_FIRST_DAY = date(2015, 7, 1)
_NOTHING_IN = timedelta(days=14)
"""No read article goes without a view for as long as that."""


def fetch_pageviews(window: Window, client: Client) -> Iterator[Body]:
    contact = client.option("WIKIMEDIA_CONTACT")
    headers = {"User-Agent": f"{USER_AGENT} {contact}"} if contact else {}
    yield from in_turn((article, _views(window, client, article, headers)) for article in ARTICLES)


def _views(window: Window, client: Client, article: str, headers: dict[str, str]) -> Iterator[Body]:
    first = max(window.start.date(), _FIRST_DAY)
    last = (window.end - timedelta(microseconds=1)).date()
    if first > last:
        return
    url = f"{_URL}/{quote(article, safe='')}/daily/{first:%Y%m%d}/{last:%Y%m%d}"
    # Handed on before it is looked at, so that it is kept whatever it holds.
    body = client.get(url, headers=headers, accept=(200, 404))
    yield body
    _items(body)


def _items(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with items", body=body)
    if "items" in answer:
        return rows_of(answer["items"], body)
    detail = str(answer.get("detail") or answer.get("title") or "")
    if not detail:
        raise Malformed("the answer holds neither items nor a problem", body=body)
    if "do not have data" not in " ".join(detail.split()):
        raise Rejected(f"{PROVIDER.title} answers with a problem: {detail}", body=body)
    article, _, first, last = body.request.url.split("/")[-4:]
    days = datetime.strptime(last, "%Y%m%d") - datetime.strptime(first, "%Y%m%d")
    if days >= _NOTHING_IN and body.window.end >= body.retrieved_at - _NOTHING_IN:
        raise Rejected(
            f"nobody has read {article} since {first}: it does not exist",
            remedy="the article has another title now; see the descriptor",
            body=body,
        )
    return []


def parse_pageviews(body: Body) -> pl.DataFrame:
    frame = table(
        _items(body),
        body,
        fields=("article", "timestamp", "views"),
        unused=("project", "granularity", "access", "agent"),
    )
    stamp = pl.col("timestamp")
    # Anything but the first hour would be another granularity; it does not read as a day.
    shaped = shape(
        frame,
        body,
        {
            "article": pl.col("article"),
            "day": stamp.str.to_date("%Y%m%d00", strict=True, exact=True),
            "view_count": whole("views"),
        },
    )
    return ended_days(shaped, "day", body)


PAGEVIEWS = Dataset(
    provider=PROVIDER,
    name="pageviews",
    subject="sentiment",
    description="Views of the English Wikipedia's articles on crypto by day, people only: how many strangers look in.",
    grain="one row per article and UTC day with a view",
    columns=(
        Column("article", pl.String, "Title of the article, blanks as underscores."),
        Column("day", pl.Date, "UTC day."),
        Column("view_count", pl.Int64, "Views by people over all ways of access; known robots are left out."),
    ),
    key=("article", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="50 6 * * *", lag=timedelta(days=1), revised_for=timedelta(days=3), stale_after=timedelta(days=5)
    ),
    starts_on=_FIRST_DAY,
    fetch=fetch_pageviews,
    parse=parse_pageviews,
    docs_url="https://doc.wikimedia.org/generated-data-platform/aqs/analytics-api/reference/page-views.html",
)

DATASETS = (PAGEVIEWS,)
