"""FRED: one series a request, two headings, rows without observation, and when a value could be known."""

from __future__ import annotations

from datetime import date

import httpx
import polars as pl
import pytest

from sources.dataset import Request
from sources.errors import Malformed, Rejected
from sources.providers.fred import DAILY, DAILY_SERIES, WEEKLY, WEEKLY_SERIES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

URL = "https://fred.stlouisfed.org/graph/fredgraph.csv"


def parse(content: str, series_id: str = "VIXCLS") -> list[tuple[object, ...]]:
    body = wire.body(DAILY.table, content=content, request=Request(URL, (("id", series_id),)))
    return DAILY.conform(DAILY.parse(body)).rows()


def test_each_series_is_asked_for_alone_and_by_the_librarys_own_name() -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, text=f"observation_date,{request.url.params['id']}\n2024-07-08,1.5\n")

    bodies, error = fetched(DAILY, provider)
    assert error is None
    assert [request.url.params["id"] for request in asked] == list(DAILY_SERIES)
    assert {request.headers["user-agent"] for request in asked} == {f"python-httpx/{httpx.__version__}"}
    assert dict(asked[0].url.params) == {"id": "VIXCLS", "cosd": "2024-07-01", "coed": "2024-07-10"}
    assert [DAILY.parse(body)["series_id"][0] for body in bodies] == list(DAILY_SERIES)
    asked.clear()
    fetched(WEEKLY, provider)
    assert [request.url.params["id"] for request in asked] == list(WEEKLY_SERIES)


def test_one_unknown_series_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        series_id = request.url.params["id"]
        if series_id == "SP500":
            return httpx.Response(404, html="<html>not found</html>")
        return httpx.Response(200, text=f"observation_date,{series_id}\n2024-07-08,1.5\n")

    bodies, error = fetched(DAILY, provider)
    assert len(bodies) == len(DAILY_SERIES) - 1
    assert isinstance(error, Rejected)
    assert "SP500: " in str(error)


@pytest.mark.parametrize("heading", ["DATE", "observation_date"])
def test_both_headings_read(heading: str) -> None:
    assert parse(f"{heading},VIXCLS\n2024-07-08,12.5\n") == [("VIXCLS", date(2024, 7, 8), 12.5)]


def test_a_dot_and_a_blank_are_no_observation() -> None:
    text = "observation_date,VIXCLS\n2024-07-04,.\n2024-07-05,\n2024-07-08,0.0\n"
    assert parse(text) == [("VIXCLS", date(2024, 7, 8), 0.0)]


def test_a_negative_price_is_a_price() -> None:
    assert parse("observation_date,DCOILWTICO\n2020-04-20,-36.98\n", "DCOILWTICO")[0][2] == -36.98


def test_a_series_without_observations_is_no_rows() -> None:
    assert parse("observation_date,VIXCLS\n") == []
    assert parse("observation_date,VIXCLS\n2024-07-04,.\n") == []


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    assert parse("\ufeffobservation_date,VIXCLS\r\n2024-07-08,12.5\r\n") == [("VIXCLS", date(2024, 7, 8), 12.5)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("PK\x03\x04 two frequencies", "is a zip"),
        ("<!DOCTYPE html><html><body>Sorry</body></html>\n", "expected CSV, got markup"),
        ("observation_date,DGS10\n2024-07-08,4.2\n", "expected the columns"),
        ("date,VIXCLS\n2024-07-08,12.5\n", "expected the columns"),
        ("observation_date,VIXCLS\n2024-07-08,12.5\n2024-07-0", "cut off"),
        ("observation_date,VIXCLS\n2024-7-8,12.5\n", "conversion"),
        ("observation_date,VIXCLS\n07/08/2024,12.5\n", "conversion"),
        ("observation_date,VIXCLS\n2024-07-08,12.5,3\n", "more fields"),
    ],
)
def test_anything_else_is_malformed(content: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parse(content)


@pytest.mark.parametrize(
    ("series_id", "observed_on", "known_at"),
    [
        # Summer and winter time in New York; a Friday waits for Monday.
        ("VIXCLS", date(2024, 7, 8), "2024-07-09 13:00"),
        ("VIXCLS", date(2024, 1, 5), "2024-01-08 14:00"),
        ("SP500", date(2024, 7, 12), "2024-07-15 13:00"),
        ("DGS2", date(2024, 7, 8), "2024-07-09 21:00"),
        ("DGS10", date(2024, 1, 8), "2024-01-09 22:00"),
        # Independence Day, and Columbus Day, on which the exchange is open and the government is not.
        ("T10YIE", date(2024, 7, 3), "2024-07-05 21:00"),
        ("BAA10Y", date(2024, 10, 11), "2024-10-15 21:00"),
        # A month-end on a Sunday.
        ("BAMLH0A0HYM2", date(2025, 11, 30), "2025-12-01 22:00"),
        ("DCOILWTICO", date(2024, 7, 8), "2024-07-11 21:00"),
        # Good Friday: the exchange is closed and the government is not.
        ("DCOILWTICO", date(2024, 3, 27), "2024-04-02 21:00"),
    ],
)
def test_daily_series_are_known_at_their_release(series_id: str, observed_on: date, known_at: str) -> None:
    frame = pl.DataFrame({"series_id": [series_id], "observed_on": [observed_on], "value": [1.0]})
    assert frame.select(DAILY.knowable_at()).item() == at(known_at)


@pytest.mark.parametrize(
    ("series_id", "observed_on", "known_at"),
    [
        ("DTWEXBGS", date(2024, 7, 8), "2024-07-15 20:30"),
        ("DTWEXBGS", date(2024, 7, 12), "2024-07-15 20:30"),
        ("DTWEXBGS", date(2024, 1, 12), "2024-01-16 21:30"),
        ("STLFSI4", date(2024, 7, 5), "2024-07-10 14:00"),
        ("STLFSI4", date(2024, 12, 20), "2024-12-26 15:00"),
    ],
)
def test_weekly_series_are_known_at_their_release(series_id: str, observed_on: date, known_at: str) -> None:
    frame = pl.DataFrame({"series_id": [series_id], "observed_on": [observed_on], "value": [1.0]})
    assert frame.select(WEEKLY.knowable_at()).item() == at(known_at)
