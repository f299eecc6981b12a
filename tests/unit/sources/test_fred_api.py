"""FRED API: windows of publication, stamps that are cut, pages, the limit of vintages, errors with status 400."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import httpx
import polars as pl
import pytest

from sources.dataset import Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.http import Transport
from sources.providers.fred_api import OBSERVATIONS, SERIES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched


def error(message: str, code: int = 400) -> httpx.Response:
    return httpx.Response(400, json={"error_code": code, "error_message": f"Bad Request.  {message}"})


def page(rows: list[dict[str, str]], count: int | None = None) -> httpx.Response:
    return httpx.Response(200, json={"count": len(rows) if count is None else count, "observations": rows})


def observation(published: str, observed: str, value: str = "1.5") -> dict[str, str]:
    return {"realtime_start": published, "realtime_end": "9999-12-31", "date": observed, "value": value}


HISTORY = [
    # When it was published, what day it is about, and until when it was on show.
    ("2024-06-05", "2024-05-31", "9999-12-31", "1.0"),
    ("2024-06-12", "2024-06-07", "2024-06-30", "2.0"),
    ("2024-07-01", "2024-06-07", "9999-12-31", "2.1"),
    ("2024-07-09", "2024-07-05", "9999-12-31", "3.0"),
]


def alfred(request: httpx.Request) -> httpx.Response:
    """The provider: figures on show during the period, stamps cut to it."""
    first, last = request.url.params["realtime_start"], request.url.params["realtime_end"]
    rows = [
        {"realtime_start": max(start, first), "realtime_end": min(end, last), "date": observed, "value": value}
        for start, observed, end, value in HISTORY
        if start <= last and end >= first
    ]
    return page(rows)


def landed(window: Window) -> list[tuple[object, ...]]:
    bodies, failure = fetched(OBSERVATIONS, alfred, window=window)
    assert failure is None
    rows = pl.concat([OBSERVATIONS.conform(OBSERVATIONS.parse(body)) for body in bodies])
    return rows.filter(pl.col("series_id") == "NFCI").drop("series_id").rows()


def test_each_figure_bears_the_day_it_was_published() -> None:
    assert landed(Window(at("2024-06-01"), wire.NOW)) == [
        (date(2024, 5, 31), date(2024, 6, 5), 1.0),
        (date(2024, 6, 7), date(2024, 6, 12), 2.0),
        (date(2024, 6, 7), date(2024, 7, 1), 2.1),
        (date(2024, 7, 5), date(2024, 7, 9), 3.0),
    ]


@pytest.mark.parametrize("cut", ["2024-06-05", "2024-06-06", "2024-06-12", "2024-06-30", "2024-07-01", "2024-07-02"])
def test_windows_one_after_the_other_give_each_figure_once_and_no_stamp_that_was_cut(cut: str) -> None:
    edges = [at("2024-06-01"), at(cut), wire.NOW]
    in_parts = [row for start, end in pairwise(edges) for row in landed(Window(start, end))]
    assert sorted(in_parts, key=str) == sorted(landed(Window(at("2024-06-01"), wire.NOW)), key=str)


def test_what_is_asked() -> None:
    asked: list[httpx.URL] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return page([])

    fetched(OBSERVATIONS, provider)
    assert [url.params["series_id"] for url in asked] == list(SERIES)
    query = dict(asked[0].params)
    assert query.pop("api_key") == "no-key-wanted"
    assert query == {
        "series_id": SERIES[0],
        "file_type": "json",
        "realtime_start": "2024-06-30",
        "realtime_end": "9999-12-31",
        "observation_start": "2015-01-01",
        "limit": "100000",
        "offset": "0",
    }
    asked.clear()
    fetched(OBSERVATIONS, provider, window=Window(at("2016-01-01"), at("2018-01-01")))
    assert {url.params["realtime_end"] for url in asked} == {"2017-12-31"}


def test_a_window_that_ends_after_midnight_in_london_is_open_at_the_end() -> None:
    # 02:00 UTC is still the day before in St. Louis, which does not know the new day.
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["realtime_end"])
        return page([])

    now = at("2024-07-10 02:00")
    fetched(OBSERVATIONS, provider, window=Window(at("2024-07-09"), now), now=now)
    assert set(asked) == {"9999-12-31"}


def test_a_chunk_holds_fewer_days_than_there_may_be_vintages() -> None:
    assert OBSERVATIONS.chunk is not None
    assert OBSERVATIONS.chunk + timedelta(days=1) < timedelta(days=2000)


def test_pages_are_followed_by_what_has_come() -> None:
    offsets: list[int] = []

    def provider(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        offsets.append(offset)
        days = [date(2020, 1, 1) + timedelta(days=n) for n in range(offset, min(offset + 40, 90))]
        return page([observation("2024-07-05", str(day)) for day in days], count=90)

    bodies, failure = fetched(OBSERVATIONS, provider)
    assert failure is None
    assert offsets == [0, 40, 80] * len(SERIES)
    observed = [day for body in bodies[:3] for day in OBSERVATIONS.parse(body)["observed_on"]]
    assert len(observed) == len(set(observed)) == 90


def test_a_page_that_is_missing_is_malformed() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        return page([observation("2024-07-05", "2024-06-28")] if request.url.params["offset"] == "0" else [], count=2)

    bodies, failure = fetched(OBSERVATIONS, provider)
    assert isinstance(failure, Malformed)
    assert "1 of 2 observations have come" in str(failure)
    assert len(bodies) == 2 * len(SERIES)


def test_one_unknown_series_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["series_id"] == "NFCI":
            return error("The series does not exist.")
        return page([observation("2024-07-05", "2024-06-28")])

    bodies, failure = fetched(OBSERVATIONS, provider)
    assert isinstance(failure, Rejected)
    assert "NFCI: " in str(failure)
    assert "The series does not exist." in str(failure)
    assert len(bodies) == len(SERIES), "the refusal is kept as well"
    with pytest.raises(Rejected):
        OBSERVATIONS.parse(next(body for body in bodies if body.status == 400))


def test_a_period_before_the_first_vintage_is_no_rows_and_a_series_that_has_left_is_told() -> None:
    def provider(_: httpx.Request) -> httpx.Response:
        return error("The series does not exist in ALFRED but may exist in FRED.")

    bodies, failure = fetched(OBSERVATIONS, provider, window=Window(at("2016-01-01"), at("2018-01-01")))
    assert failure is None
    assert [OBSERVATIONS.parse(body).height for body in bodies] == [0] * len(SERIES)
    _, failure = fetched(OBSERVATIONS, provider)
    assert isinstance(failure, Rejected)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            error("There are 5090 vintage dates. This exceeds the maximum number of vintage dates allowed (2000)."),
            Rejected,
        ),
        (error("The value for variable api_key is not registered."), Rejected),
        (error("Too many requests.", 429), RateLimited),
        (httpx.Response(429, text="Too Many Requests"), RateLimited),
        (httpx.Response(403, text="Access Denied"), Blocked),
        (httpx.Response(200, json={"count": 0}), Malformed),
        (httpx.Response(200, json={"count": "many", "observations": []}), Malformed),
        (httpx.Response(400, html="<html>Bad Request</html>"), Malformed),
    ],
)
def test_errors(answer: httpx.Response, kind: type[Exception]) -> None:
    def provider(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())

    _, failure = fetched(OBSERVATIONS, provider)
    assert isinstance(failure, kind)


def test_the_key_is_sent_and_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRED_API_KEY", "0123456789abcdef")
    sent: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.params["api_key"])
        return error("The value for variable api_key (0123456789abcdef) is not registered.")

    with Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
        bodies = []
        with pytest.raises(Rejected) as caught:
            for body in OBSERVATIONS.fetch(wire.WINDOW, transport.client(OBSERVATIONS, wire.WINDOW)):
                bodies.append(body)
    assert sent == ["0123456789abcdef"] * len(SERIES)
    assert "0123456789abcdef" not in str(caught.value)
    assert all("api_key" not in dict(body.request.params) for body in bodies)
    assert all(b"0123456789abcdef" not in body.content for body in bodies)


def test_a_figure_that_was_there_before_is_left_out_and_a_withdrawn_one_is_null() -> None:
    rows = OBSERVATIONS.conform(OBSERVATIONS.parse(wire.body(OBSERVATIONS.table))).rows()
    assert rows == [
        ("STLFSI4", date(2024, 6, 21), date(2024, 7, 3), -0.812),
        ("STLFSI4", date(2024, 6, 21), date(2024, 7, 10), -0.8131),
        ("STLFSI4", date(2024, 6, 28), date(2024, 7, 3), -0.79),
        ("STLFSI4", date(2024, 6, 28), date(2024, 7, 10), None),
        ("STLFSI4", date(2024, 7, 5), date(2024, 7, 10), -0.7755),
    ]


@pytest.mark.parametrize(
    ("published", "known"), [(date(2024, 7, 3), "2024-07-04 05:00"), (date(2024, 1, 3), "2024-01-04 06:00")]
)
def test_a_figure_is_known_when_the_day_is_over_in_st_louis(published: date, known: str) -> None:
    frame = pl.DataFrame(
        {"series_id": ["NFCI"], "observed_on": [date(2023, 12, 1)], "published_on": [published], "value": [1.0]}
    )
    assert frame.select(OBSERVATIONS.knowable_at()).item() == at(known)
