"""Hyperliquid: asked by POST, hourly settlements, names and figures matched by position."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Malformed, RateLimited, Rejected, Unreachable
from sources.providers.hyperliquid import ASSET_CONTEXTS, FUNDING_RATES
from tests.unit.sources import wire
from tests.unit.sources.wire import NOW, at, fetched

HOUR_MS = 3_600_000
BOTH = pytest.mark.parametrize("dataset", [FUNDING_RATES, ASSET_CONTEXTS], ids=lambda dataset: dataset.name)


def contexts() -> list[Any]:
    return json.loads(wire.stored(ASSET_CONTEXTS.table))  # type: ignore[no-any-return]


def test_pages_go_forward_until_one_is_not_full() -> None:
    start_ms = int(at("2024-01-01").timestamp() * 1000)
    history = [start_ms + n * HOUR_MS + n % 80 for n in range(1700)]
    asked: list[tuple[str, int]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        document = json.loads(request.content)
        assert request.method == "POST" and document["type"] == "fundingHistory"
        asked.append((document["coin"], document["startTime"]))
        due = [ms for ms in history if document["startTime"] <= ms <= document["endTime"]]
        rows = [{"coin": document["coin"], "fundingRate": "0.00001", "premium": "0.0002", "time": ms} for ms in due]
        return httpx.Response(200, json=rows[:500])

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-01-01"), at("2024-07-01")))
    assert error is None
    assert [coin for coin, _ in asked] == ["BTC"] * 4 + ["ETH"] * 4
    assert asked[1][1] == history[499] + 1, "on from after the last"
    settled = [moment for body in bodies[:4] for moment in FUNDING_RATES.parse(body)["settled_at"]]
    assert len(settled) == len(set(settled)) == 1700, "each settlement once, none lost between the pages"
    assert all(moment.minute == moment.second == moment.microsecond == 0 for moment in settled)


def test_a_provider_that_repeats_its_page_ends_in_an_error() -> None:
    start_ms = int(at("2024-01-01").timestamp() * 1000)
    rows = [{"coin": "BTC", "fundingRate": "0.1", "time": start_ms + n * HOUR_MS} for n in range(500)]
    window = Window(at("2024-01-01"), at("2024-07-01"))
    bodies, error = fetched(FUNDING_RATES, lambda _: httpx.Response(200, json=rows), window=window)
    assert isinstance(error, Malformed)
    assert len(bodies) == 4


def test_a_settlement_is_of_one_hour_and_can_lack_its_premium() -> None:
    rows = FUNDING_RATES.conform(FUNDING_RATES.parse(wire.body(FUNDING_RATES.table))).rows()
    assert rows == [
        ("BTC", at("2024-07-10 10:00"), 1.0, 0.0000125, 0.00029),
        ("BTC", at("2024-07-10 11:00"), 1.0, -0.0000031, None),
    ]


def test_an_empty_page_has_no_rows() -> None:
    bodies, error = fetched(FUNDING_RATES, lambda _: httpx.Response(200, json=[]))
    assert error is None
    assert [FUNDING_RATES.parse(body).height for body in bodies] == [0, 0]


@BOTH
def test_null_is_what_it_does_not_know(dataset: Dataset) -> None:
    with pytest.raises(Rejected, match="knows nothing of"):
        dataset.parse(wire.body(dataset.table, "null"))
    with pytest.raises(Rejected, match="no such"):
        dataset.parse(wire.body(dataset.table, '{"error": "no such"}'))


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, b"null", Rejected),
        (500, b"null", Unreachable),
        (422, b"Failed to deserialize the JSON body into the target type", Rejected),
        (429, b"null", RateLimited),
    ],
)
def test_errors(status: int, content: bytes, kind: type[Exception]) -> None:
    bodies, error = fetched(FUNDING_RATES, lambda _: httpx.Response(status, content=content))
    assert type(error) is kind
    assert len(bodies) == (2 if status == 200 else 0)


def test_figures_are_matched_with_names_by_position() -> None:
    retrieved_at = NOW + timedelta(seconds=59)
    frame = ASSET_CONTEXTS.parse(wire.body(ASSET_CONTEXTS.table, retrieved_at=retrieved_at))
    assert frame.select("symbol", "observed_at", "open_interest_coin", "premium_ratio").rows() == [
        ("BTC", NOW, 25000.5, 0.00031),
        ("ETH", NOW, 300000.25, None),
    ]
    names, figures = contexts()
    turned = [{**names, "universe": names["universe"][::-1]}, figures[::-1]]
    again = ASSET_CONTEXTS.parse(wire.body(ASSET_CONTEXTS.table, json.dumps(turned)))
    assert dict(again.select("symbol", "open_interest_coin").rows()) == {"BTC": 25000.5, "ETH": 300000.25}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda names, figures: [names, figures[:-1]], "do not match"),
        (lambda names, figures: [{**names, "universe": names["universe"][1:]}, figures[1:]], "BTC is not among"),
        (lambda names, figures: [names], "list of two"),
        (lambda names, figures: [{}, figures], "list of objects"),
        (lambda names, figures: {}, "list of two"),
    ],
)
def test_halves_that_do_not_fit_are_malformed(change: Any, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        ASSET_CONTEXTS.parse(wire.body(ASSET_CONTEXTS.table, json.dumps(change(*contexts()))))


def test_what_holds_now_is_not_asked_for_an_old_window() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, content=wire.stored(ASSET_CONTEXTS.table))

    assert fetched(ASSET_CONTEXTS, provider, window=Window(at("2024-05-01"), at("2024-06-01"))) == ([], None)
    assert asked == []
    bodies, error = fetched(ASSET_CONTEXTS, provider)
    assert error is None and len(bodies) == 1
    assert asked == [{"type": "metaAndAssetCtxs"}]
