"""Blockchain.com charts: what is asked for, the day so far, errors under status 200."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.blockchain_com import CHARTS, NETWORK
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = NETWORK.table


def chart(*points: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {"status": "ok", "name": "Any", "unit": "USD", "period": "day", "values": list(points), **changes}


def point(day: str, value: object = 1.5) -> dict[str, Any]:
    return {"x": int(at(day).timestamp()), "y": value}


def parse(document: object) -> Any:
    return NETWORK.conform(NETWORK.parse(wire.body(TABLE, content=json.dumps(document))))


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ("2024-07-01", "2024-07-10 12:00", {"timespan": "10days", "start": "2024-07-01"}),
        ("2024-07-10", "2024-07-10 12:00", {"timespan": "1days", "start": "2024-07-10"}),
        ("2017-01-01", "2024-07-10 12:00", {"timespan": "all"}),
    ],
)
def test_each_chart_is_asked_for_once_and_unthinned(start: str, end: str, span: dict[str, str]) -> None:
    asked: list[httpx.URL] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=chart(point("2024-07-08")))

    bodies, error = fetched(NETWORK, provider, window=Window(at(start), at(end)))
    assert error is None
    assert [url.path for url in asked] == [f"/charts/{name}" for name in CHARTS]
    assert all(dict(url.params) == {**span, "sampled": "false", "format": "json"} for url in asked)
    rows = [row for body in bodies for row in NETWORK.conform(NETWORK.parse(body)).rows()]
    assert rows == [(name, date(2024, 7, 8), 1.5, "USD") for name in CHARTS]


def test_the_day_so_far_is_left_out() -> None:
    rows = parse(chart(point("2024-07-08"), point("2024-07-09"), point("2024-07-10")))
    assert rows["day"].to_list() == [date(2024, 7, 8), date(2024, 7, 9)]


def test_what_is_older_than_the_history_is_left_out() -> None:
    rows = parse(chart(point("2009-01-03 18:15"), point("2016-12-31"), point("2017-01-01")))
    assert rows["day"].to_list() == [date(2017, 1, 1)]


def test_figures_read_with_and_without_an_exponent() -> None:
    assert NETWORK.parse(wire.body(TABLE))["value"].to_list() == [580_120_000.0, 591_000_000.25]


def test_a_day_without_a_figure_is_null() -> None:
    assert parse(chart(point("2024-07-08", None)))["value"].to_list() == [None]


def test_a_chart_without_points_is_no_rows() -> None:
    assert parse(chart()).is_empty()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (chart(point("2024-07-08 08:00")), "start of a day"),
        (chart(point("2024-07-08"), period="minute"), "by minute, not by day"),
        (chart(point("2024-07-08"), unit=None), "no unit"),
        ({"status": "ok", "unit": "USD", "period": "day"}, "no values"),
        ([], "expected an object"),
    ],
)
def test_a_chart_of_another_kind_is_malformed(document: object, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parse(document)


@pytest.mark.parametrize("status", [200, 404])
def test_an_error_is_a_rejection_whatever_the_status(status: int) -> None:
    error = {"status": "not-found", "error": "No chart with name hash-rat"}
    bodies, failure = fetched(NETWORK, lambda _: httpx.Response(status, json=error))
    assert isinstance(failure, Rejected)
    assert "No chart with name hash-rat" in str(failure)
    assert len(bodies) == (len(CHARTS) if status == 200 else 0)
    for body in bodies:
        with pytest.raises(Rejected):
            NETWORK.parse(body)


def test_one_chart_failing_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/miners-revenue"):
            return httpx.Response(404, json={"status": "not-found"})
        return httpx.Response(200, json=chart(point("2024-07-08")))

    bodies, error = fetched(NETWORK, provider)
    assert len(bodies) == len(CHARTS) - 1
    assert isinstance(error, Rejected)
    assert "miners-revenue: " in str(error)


def test_a_used_up_allowance_stops_the_rest() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(429, headers={"Retry-After": "3600"})

    _, error = fetched(NETWORK, provider)
    assert isinstance(error, RateLimited)
    assert len(asked) == 1
