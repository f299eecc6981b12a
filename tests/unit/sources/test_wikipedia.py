"""Wikimedia pageviews: the window in the path, the 404 that means no data, and the one that does not."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from sources.dataset import Request, Window
from sources.errors import Malformed, Rejected
from sources.http import Transport
from sources.providers.wikipedia import ARTICLES, PAGEVIEWS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

NO_DATA = {
    "detail": "The date(s) you used are valid, but we either do  not have data for those date(s), or the project you "
    "asked for is not loaded yet.",
    "status": 404,
    "title": "Not Found",
    "type": "about:blank",
}
OTHER_PROBLEM = {"detail": "Given year/month/day is invalid date", "status": 404, "title": "Bad", "type": "about:blank"}
URL = "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user/Bitcoin/daily"


def views(article: str, day: str, count: int) -> dict[str, object]:
    return {"article": article, "timestamp": f"{day}00", "views": count}


def test_each_article_is_asked_for_with_both_days_of_the_window() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.partition("/user/")[2])
        return httpx.Response(200, json={"items": [views("Bitcoin", "20240708", 5)]})

    bodies, error = fetched(PAGEVIEWS, provider)
    assert error is None
    assert asked == [f"{article}/daily/20240701/20240710" for article in ARTICLES]
    assert [PAGEVIEWS.parse(body).height for body in bodies] == [1] * len(ARTICLES)


def test_a_window_before_the_history_asks_nothing_and_one_across_its_start_asks_from_there() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"items": []})

    fetched(PAGEVIEWS, provider, window=Window(at("2015-06-01"), at("2015-07-01")))
    assert asked == []
    fetched(PAGEVIEWS, provider, window=Window(at("2015-06-01"), at("2015-07-03")))
    assert {path.partition("/daily/")[2] for path in asked} == {"20150701/20150702"}


def test_a_day_not_yet_loaded_is_no_rows() -> None:
    bodies, error = fetched(
        PAGEVIEWS,
        lambda _: httpx.Response(404, json=NO_DATA),
        window=Window(at("2024-07-09"), at("2024-07-10 12:00")),
    )
    assert error is None
    assert [PAGEVIEWS.parse(body).height for body in bodies] == [0] * len(ARTICLES)


def test_years_before_an_article_existed_are_no_rows() -> None:
    _, error = fetched(
        PAGEVIEWS, lambda _: httpx.Response(404, json=NO_DATA), window=Window(at("2015-07-01"), at("2017-01-01"))
    )
    assert error is None


def test_weeks_without_a_reader_up_to_now_mean_that_there_is_no_such_article() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if "/Ethereum/" in request.url.path:
            return httpx.Response(404, json=NO_DATA)
        return httpx.Response(200, json={"items": [views("Bitcoin", "20240708", 5)]})

    bodies, error = fetched(PAGEVIEWS, provider, window=Window(at("2024-01-01"), at("2024-07-10 12:00")))
    assert isinstance(error, Rejected)
    assert "nobody has read Ethereum since 20240101" in str(error)
    assert len(bodies) == len(ARTICLES), "the others come all the same, and what was answered is kept"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, json=OTHER_PROBLEM), Rejected),
        (httpx.Response(400, json=OTHER_PROBLEM), Rejected),
        (httpx.Response(404, html="<html>no such page</html>"), Malformed),
        (httpx.Response(200, json={"things": []}), Malformed),
        (httpx.Response(200, json=[]), Malformed),
    ],
)
def test_any_other_answer_is_an_error(answer: httpx.Response, kind: type[Exception]) -> None:
    _, error = fetched(PAGEVIEWS, lambda _: httpx.Response(answer.status_code, content=answer.read()))
    assert isinstance(error, kind)


def test_a_day_without_views_is_left_out_and_today_is_dropped() -> None:
    rows = PAGEVIEWS.conform(PAGEVIEWS.parse(wire.body(PAGEVIEWS.table))).rows()
    assert rows == [("Bitcoin", date(2024, 7, 7), 8123), ("Bitcoin", date(2024, 7, 8), 9417)]


@pytest.mark.parametrize("stamp", ["2024070812", "20240708", "2024-07-08"])
def test_another_granularity_is_malformed(stamp: str) -> None:
    item = f'{{"article":"Bitcoin","timestamp":"{stamp}","views":1}}'
    body = wire.body(PAGEVIEWS.table, content=f'{{"items":[{item}]}}', request=Request(f"{URL}/20240701/20240710"))
    with pytest.raises(Malformed):
        PAGEVIEWS.parse(body)


def test_the_contact_of_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKIMEDIA_CONTACT", "desk@example.org")
    agents: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        agents.append(request.headers["user-agent"])
        return httpx.Response(200, json={"items": []})

    with Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
        list(PAGEVIEWS.fetch(wire.WINDOW, transport.client(PAGEVIEWS, wire.WINDOW)))
    assert len(agents) == len(ARTICLES)
    assert all(agent.startswith("undertow/") and agent.endswith(" desk@example.org") for agent in agents)
