"""GDELT DOC 2.0: how much the world's news write about crypto and in what tone, by day, without a key.

Traps:
* One request every five seconds; asked at exactly that pace it still refuses, and a client that goes on is shut out
  for longer. The refusal is a sentence of plain text, with HTTP 429 or 200.
* A query it does not like is a sentence of plain text with HTTP 200, too: words that are too short, alternatives that
  do not stand in brackets.
* The step follows from the span: days only if more than a week is asked for. Shorter windows are made longer.
* `norm` is the number of all articles seen that day; it varies by a factor of three between weekdays and over the
  years, so a count means nothing without it.
* Nothing found is `{}`. The last day is under way.
* Articles are added to old days for a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, excerpt, in_turn
from sources.parsing import decode_json, ended_days, number, rows_of, shape, table, whole

PROVIDER = Provider(
    name="gdelt",
    title="GDELT",
    homepage="https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/",
    licence=Licence.ATTRIBUTION,
    probe_url="https://api.gdeltproject.org/api/v2/doc/doc?query=bitcoin&mode=timelinevolraw&format=json"
    "&startdatetime=20250101000000&enddatetime=20250114235959",
    rates=(Rate(1, 6.5),),
)

TOPICS: Mapping[str, str] = {
    "bitcoin": "bitcoin",
    "crypto_crash": "(bitcoin OR cryptocurrency) (crash OR selloff OR plunge OR liquidation)",
}
"""Queries by the name of the topic. Alternatives stand in brackets; both words of a pair have to occur."""

_URL = "https://api.gdeltproject.org/api/v2/doc/doc"
_VOLUME, _TONE = "Article Count", "Average Tone"
_LEAST_SPAN = timedelta(days=14)
_SENTENCE = re.compile(r"[A-Z][\w' ,.;:()\"@/-]{8,400}\s*")


def fetch_news_volume(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((topic, _timeline(window, client, topic, "timelinevolraw")) for topic in TOPICS)


def fetch_news_tone(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((topic, _timeline(window, client, topic, "timelinetone")) for topic in TOPICS)


def _timeline(window: Window, client: Client, topic: str, mode: str) -> Iterator[Body]:
    last_day = (window.end - timedelta(microseconds=1)).date()
    first_day = min(window.start.date(), last_day - _LEAST_SPAN)
    params = {
        "query": TOPICS[topic],
        "mode": mode,
        "format": "json",
        "startdatetime": f"{first_day:%Y%m%d}000000",
        "enddatetime": f"{last_day:%Y%m%d}235959",
    }
    body = client.get(_URL, params)
    # Handed on before it is looked at, so that it is kept whatever it holds.
    yield body
    _answer(body)


def _answer(body: Body) -> dict[str, Any]:
    text = body.content[:500].decode("utf-8", "replace").strip()
    if "limit requests to one every" in text:
        raise RateLimited(
            f"{PROVIDER.title} asks for a pause in its answer: {excerpt(body)}",
            remedy="run again later; what was fetched so far is kept",
            body=body,
        )
    if _SENTENCE.fullmatch(text):
        raise Rejected(f"{PROVIDER.title} does not like the query: {excerpt(body)}", body=body)
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with a timeline", body=body)
    return answer


def _points(body: Body, series: str) -> list[dict[str, Any]]:
    answer = _answer(body)
    if not answer:
        return []
    details = answer.get("query_details")
    step = details.get("date_resolution", "day") if isinstance(details, dict) else "day"
    if step != "day":
        raise Malformed(f"the timeline goes by {step}, not by day", body=body)
    timelines = rows_of(answer.get("timeline"), body)
    found = next((line for line in timelines if line.get("series") == series), None)
    if found is None:
        if not timelines:
            return []
        raise Malformed(f"the timeline holds no series {series!r}", body=body)
    return rows_of(found.get("data"), body)


def _topic(body: Body) -> str:
    query = body.request.param("query")
    topic = next((topic for topic, words in TOPICS.items() if words == query), None)
    if topic is None:
        raise Malformed(f"the query {query!r} is of no topic", body=body)
    return topic


_DAY = pl.col("date").str.to_date("%Y%m%dT000000Z", strict=True, exact=True)


def parse_news_volume(body: Body) -> pl.DataFrame:
    frame = table(_points(body, _VOLUME), body, fields=("date", "value", "norm"))
    columns = {
        "topic": pl.lit(_topic(body)),
        "day": _DAY,
        "article_count": whole("value"),
        "monitored_article_count": whole("norm"),
    }
    return ended_days(shape(frame, body, columns), "day", body)


def parse_news_tone(body: Body) -> pl.DataFrame:
    frame = table(_points(body, _TONE), body, fields=("date", "value"))
    columns = {"topic": pl.lit(_topic(body)), "day": _DAY, "average_tone_points": number("value")}
    return ended_days(shape(frame, body, columns), "day", body)


_CADENCE = Cadence(
    cron="15 4 * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=4)
)
_TOPIC = Column("topic", pl.String, "What the articles are about: bitcoin, or crypto_crash for words of a fall.")
_UTC_DAY = Column("day", pl.Date, "UTC day on which the articles were seen.")
_STARTS_ON = date(2017, 1, 1)
_CHUNK = timedelta(days=366)

NEWS_VOLUME = Dataset(
    provider=PROVIDER,
    name="news_volume",
    subject="sentiment",
    description="Articles in online news on Bitcoin and on a fall of crypto by day, beside all articles seen.",
    grain="one row per topic and UTC day",
    columns=(
        _TOPIC,
        _UTC_DAY,
        Column("article_count", pl.Int64, "Articles on the topic, in any language."),
        Column("monitored_article_count", pl.Int64, "All articles seen that day, what the count is to be divided by."),
    ),
    key=("topic", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    chunk=_CHUNK,
    fetch=fetch_news_volume,
    parse=parse_news_volume,
    docs_url="https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/",
)

NEWS_TONE = Dataset(
    provider=PROVIDER,
    name="news_tone",
    subject="sentiment",
    description="Mean tone of the articles on Bitcoin and on a fall of crypto by day, as GDELT's word lists score it.",
    grain="one row per topic and UTC day",
    columns=(
        _TOPIC,
        _UTC_DAY,
        Column("average_tone_points", pl.Float64, "Mean tone: from -100 to 100 in theory, mostly from -10 to 10."),
    ),
    key=("topic", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    chunk=_CHUNK,
    fetch=fetch_news_tone,
    parse=parse_news_tone,
    docs_url="https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/",
)

DATASETS = (NEWS_VOLUME, NEWS_TONE)
