"""GDELT: errors that are sentences, steps that follow from the span, and the day under way."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from sources.dataset import Dataset, Request, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.providers.gdelt import NEWS_TONE, NEWS_VOLUME, PROVIDER, TOPICS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

ALL = pytest.mark.parametrize("dataset", [NEWS_VOLUME, NEWS_TONE], ids=lambda one: one.name)
PAUSE = "Please limit requests to one every 5 seconds or contact somebody@example.org for larger queries.\n"


@ALL
def test_each_topic_is_asked_for_by_day(dataset: Dataset) -> None:
    asked: list[httpx.QueryParams] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, content=wire.stored(dataset.table))

    bodies, error = fetched(dataset, provider, window=Window(at("2024-01-01"), at("2024-03-01")))
    assert error is None
    assert [query["query"] for query in asked] == list(TOPICS.values())
    assert asked[0]["mode"] == ("timelinevolraw" if dataset is NEWS_VOLUME else "timelinetone")
    assert (asked[0]["startdatetime"], asked[0]["enddatetime"]) == ("20240101000000", "20240229235959")
    assert [dataset.parse(body)["topic"].unique().item() for body in bodies] == list(TOPICS)


def test_a_short_window_is_made_long_enough_to_come_by_day() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["startdatetime"])
        return httpx.Response(200, content=wire.stored(NEWS_VOLUME.table))

    _, error = fetched(NEWS_VOLUME, provider, window=Window(at("2024-07-09"), wire.NOW))
    assert error is None
    assert asked == ["20240626000000"] * len(TOPICS)


@pytest.mark.parametrize("status", [200, 429])
@ALL
def test_the_wish_for_a_pause_is_a_rate_limit_whatever_the_status(dataset: Dataset, status: int) -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, text=PAUSE)

    bodies, error = fetched(dataset, provider)
    assert isinstance(error, RateLimited)
    topics = {request.url.params["query"] for request in asked}
    assert topics == {TOPICS["bitcoin"]}, "nobody asks on after that"
    if status == 200:
        assert len(bodies) == 1
        with pytest.raises(RateLimited):
            dataset.parse(bodies[0])


def test_the_pace_is_slower_than_the_limit_says() -> None:
    (rate,) = PROVIDER.rates
    assert rate.seconds / rate.requests > 5


@pytest.mark.parametrize(
    "sentence",
    [
        "The specified phrase is too short.\n",
        "Queries containing OR'd terms must be surrounded by ().",
        "Your query was too short or too long.",
        'One of your keywords ("of") was too common, please remove it.',
    ],
)
def test_a_sentence_about_the_query_is_a_refusal(sentence: str) -> None:
    bodies, error = fetched(NEWS_VOLUME, lambda _: httpx.Response(200, text=sentence))
    assert isinstance(error, Rejected)
    assert sentence[:20] in str(error)
    assert len(bodies) == len(TOPICS)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(403, text="no"), Blocked),
        (httpx.Response(200, html="<html>maintenance</html>"), Malformed),
        (httpx.Response(200, text=""), Malformed),
        (httpx.Response(200, json=[]), Malformed),
        (httpx.Response(200, text='{"timeline": ['), Malformed),
    ],
)
def test_other_errors(answer: httpx.Response, kind: type[Exception]) -> None:
    _, error = fetched(NEWS_VOLUME, lambda _: httpx.Response(answer.status_code, content=answer.read()))
    assert isinstance(error, kind)


@pytest.mark.parametrize("content", ["{}", '{"query_details":{"date_resolution":"day"},"timeline":[]}'])
@ALL
def test_nothing_found_is_no_rows(dataset: Dataset, content: str) -> None:
    assert dataset.parse(wire.body(dataset.table, content=content)).height == 0


def test_today_is_under_way_and_left_out() -> None:
    assert NEWS_VOLUME.conform(NEWS_VOLUME.parse(wire.body(NEWS_VOLUME.table))).rows() == [
        ("bitcoin", date(2024, 7, 8), 1520, 150210),
        ("bitcoin", date(2024, 7, 9), 1711, 161905),
    ]
    assert NEWS_TONE.conform(NEWS_TONE.parse(wire.body(NEWS_TONE.table))).rows() == [
        ("bitcoin", date(2024, 7, 8), -1.2345),
        ("bitcoin", date(2024, 7, 9), 0.25),
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"date_resolution": "day"', '"date_resolution": "15min"', "goes by 15min"),
        ("20240708T000000Z", "20240708T010000Z", "conversion"),
        ("20240708T000000Z", "20240708000000", "conversion"),
        ('"Article Count"', '"Average Tone"', "no series"),
        ("1520", "null", "article_count is blank"),
        ("1520", "15.5", "conversion"),
    ],
)
def test_anything_else_is_malformed(old: str, new: str, problem: str) -> None:
    content = wire.stored(NEWS_VOLUME.table).decode()
    assert old in content
    with pytest.raises(Malformed, match=problem):
        NEWS_VOLUME.parse(wire.body(NEWS_VOLUME.table, content=content.replace(old, new)))


def test_a_query_that_is_no_longer_asked_is_malformed() -> None:
    request = Request("https://api.gdeltproject.org/api/v2/doc/doc", (("query", "tulips"),))
    with pytest.raises(Malformed, match="of no topic"):
        NEWS_VOLUME.parse(wire.body(NEWS_VOLUME.table, request=request))
