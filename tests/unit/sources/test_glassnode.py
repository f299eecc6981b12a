"""Glassnode: one metric a request, told apart by the path, and what a lower plan is answered."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from sources.dataset import Dataset, Request
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.http import Transport
from sources.providers.glassnode import PROFITABILITY, PROFITABILITY_METRICS, SUPPLY, SUPPLY_METRICS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

URL = "https://api.glassnode.com/v1/metrics"
ROWS = [{"t": int(at("2024-07-08").timestamp()), "v": 1.5}]


@pytest.mark.parametrize(
    ("dataset", "metrics"), [(SUPPLY, SUPPLY_METRICS), (PROFITABILITY, PROFITABILITY_METRICS)], ids=["supply", "profit"]
)
def test_each_metric_is_asked_for_alone_and_read_by_its_path(dataset: Dataset, metrics: dict[str, str]) -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=ROWS)

    bodies, error = fetched(dataset, provider)
    assert error is None
    assert [request.url.path for request in asked] == [f"/v1/metrics/{path}" for path in metrics.values()]
    assert dict(asked[0].url.params) == {
        "a": "BTC",
        "i": "24h",
        "s": str(int(at("2024-07-01").timestamp())),
        "u": str(int(wire.NOW.timestamp())),
    }
    label = dataset.key[0]
    assert [dataset.parse(body)[label].item() for body in bodies] == list(metrics)


def test_the_key_goes_into_a_header_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNODE_API_KEY", "very-secret")
    headers: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        headers.append(request.headers["x-api-key"])
        assert "very-secret" not in str(request.url)
        return httpx.Response(200, json=ROWS)

    with Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
        bodies = list(SUPPLY.fetch(wire.WINDOW, transport.client(SUPPLY, wire.WINDOW)))
    assert headers == ["very-secret"] * 2
    assert "very-secret" not in str([body.request for body in bodies])


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, "Unauthorized: invalid API key very-secret", Rejected),
        (403, "not in your plan", Blocked),
        (404, "metric not found", Rejected),
        (429, "slow down", RateLimited),
        (200, "plain text", Malformed),
    ],
)
def test_errors(status: int, text: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNODE_API_KEY", "very-secret")
    bodies, error = fetched(SUPPLY, lambda _: httpx.Response(status, text=text))
    if status == 200:
        with pytest.raises(kind):
            SUPPLY.parse(bodies[0])
        return
    assert isinstance(error, kind)
    assert "very-secret" not in str(error), "what the provider says of the key is not repeated"


def test_an_object_is_an_error() -> None:
    with pytest.raises(Rejected, match="no such asset"):
        SUPPLY.parse(wire.body(SUPPLY.table, content='{"error":"no such asset"}'))


def test_a_metric_that_is_not_of_the_dataset_is_malformed() -> None:
    body = wire.body(SUPPLY.table, request=Request(f"{URL}/indicators/sopr"))
    with pytest.raises(Malformed, match="none of the metrics"):
        SUPPLY.parse(body)


def test_one_path_is_not_taken_for_another_that_begins_alike() -> None:
    sopr = wire.body(PROFITABILITY.table, request=Request(f"{URL}/indicators/sopr"))
    assert PROFITABILITY.parse(sopr)["metric"].unique().to_list() == ["sopr"]
    assert PROFITABILITY.parse(wire.body(PROFITABILITY.table))["metric"].unique().to_list() == ["sth_sopr"]


def test_a_value_not_computed_is_null_and_today_is_left_out() -> None:
    rows = SUPPLY.conform(SUPPLY.parse(wire.body(SUPPLY.table))).rows()
    assert rows == [
        ("lth", date(2024, 7, 7), 14000123.5),
        ("lth", date(2024, 7, 8), None),
        ("lth", date(2024, 7, 9), 13990111.0),
    ]


def test_hours_instead_of_days_are_malformed() -> None:
    content = '[{"t":1720310400,"v":1},{"t":1720314000,"v":1}]'
    with pytest.raises(Malformed, match="a day comes twice"):
        SUPPLY.parse(wire.body(SUPPLY.table, content=content))


def test_no_rows_are_no_rows() -> None:
    assert SUPPLY.parse(wire.body(SUPPLY.table, content="[]")).height == 0
