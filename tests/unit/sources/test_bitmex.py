"""BitMEX: forward paging by time, lengths written as instants, errors as objects."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.bitmex import FUNDING_RATES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched


def settlement(moment: datetime, interval: str = "2000-01-01T08:00:00.000Z") -> dict[str, object]:
    return {
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z",
        "symbol": "XBTUSD",
        "fundingInterval": interval,
        "fundingRate": 0.0001,
        "fundingRateDaily": 0.0003,
    }


def test_pages_go_forward_until_one_is_not_full() -> None:
    history = [at("2022-01-01 04:00") + n * timedelta(hours=8) for n in range(1200)]
    asked: list[tuple[str, str]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append((query["symbol"], query["startTime"]))
        start, end = (datetime.fromisoformat(query[name]) for name in ("startTime", "endTime"))
        due = [moment for moment in history if start <= moment <= end]
        return httpx.Response(200, json=[settlement(moment) for moment in due[: int(query["count"])]])

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2022-01-01"), at("2024-01-01")))
    assert error is None
    assert [symbol for symbol, _ in asked] == ["XBTUSD"] * 3 + ["ETHUSD"] * 3
    assert asked[0][1] == "2022-01-01T00:00:00.000Z"
    settled = [moment for body in bodies[:3] for moment in FUNDING_RATES.parse(body)["settled_at"]]
    assert settled == history, "each settlement once, none lost between the pages"


def test_the_end_of_a_window_is_not_asked_for() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["endTime"])
        return httpx.Response(200, json=[])

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-07-01"), at("2024-07-02")))
    assert error is None
    assert asked == ["2024-07-01T23:59:59.999Z"] * 2
    assert [FUNDING_RATES.parse(body).height for body in bodies] == [0, 0]


def test_a_provider_that_repeats_its_page_ends_in_an_error() -> None:
    rows = [settlement(at("2024-01-01") + n * timedelta(minutes=1)) for n in range(500)]
    window = Window(at("2024-01-01"), at("2024-07-01"))
    bodies, error = fetched(FUNDING_RATES, lambda _: httpx.Response(200, json=rows), window=window)
    assert isinstance(error, Malformed)
    assert len(bodies) == 4, "the second page of each symbol is kept as evidence, the third is not asked for"


@pytest.mark.parametrize(
    ("interval", "hours"),
    [
        ("2000-01-01T08:00:00.000Z", 8.0),
        ("2000-01-01T01:00:00.000Z", 1.0),
        ("2000-01-01T00:30:00.000Z", 0.5),
        ("2000-01-02T00:00:00.000Z", 24.0),
    ],
)
def test_an_interval_is_the_time_since_the_year_2000(interval: str, hours: float) -> None:
    content = json.dumps([settlement(at("2024-07-08 04:00"), interval)])
    only = FUNDING_RATES.parse(wire.body(FUNDING_RATES.table, content)).row(0, named=True)
    assert (only["settled_at"], only["interval_hours"]) == (at("2024-07-08 04:00"), hours)


@pytest.mark.parametrize("interval", ["8h", "08:00:00", None])
def test_another_interval_is_malformed(interval: object) -> None:
    content = json.dumps([{**settlement(at("2024-07-08 04:00")), "fundingInterval": interval}])
    with pytest.raises(Malformed):
        FUNDING_RATES.parse(wire.body(FUNDING_RATES.table, content))


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Maximum result count is 500.", Rejected),
        (200, "Maximum result count is 500.", Rejected),
        (429, "Rate limit exceeded, retry in 1 seconds.", RateLimited),
        (200, "Rate limit exceeded, retry in 1 seconds.", RateLimited),
    ],
)
def test_an_error_object_is_an_error(status: int, message: str, kind: type[Exception]) -> None:
    told = {"error": {"message": message, "name": "HTTPError"}}
    _, error = fetched(FUNDING_RATES, lambda _: httpx.Response(status, json=told))
    assert isinstance(error, kind)
    assert status == 429 or message in str(error)


def test_a_long_pause_is_not_waited_for() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"Retry-After": "600", "x-ratelimit-remaining": "0"})

    _, error = fetched(FUNDING_RATES, provider)
    assert isinstance(error, RateLimited)
    assert (error.retry_after, len(asked)) == (600, 1)
