"""The simulated Blockchain.com charts answer as the real ones do, from the one state."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sources.simulator import market
from sources.simulator.state import day_index
from tests.unit.simulator.simulated import client

pytestmark = pytest.mark.unit

ROOT = "https://api.blockchain.info/charts"


def chart(name: str, **params: str) -> Any:
    return client().get(f"{ROOT}/{name}", params=params)


def test_a_span_begins_where_it_is_told_to() -> None:
    values = chart("hash-rate", timespan="3days", start="2025-11-01", sampled="false").json()["values"]
    first = day_index(date(2025, 11, 1))
    assert [point["y"] for point in values] == market.load().on_chain["btc"].hash_rate_ths[first : first + 3].tolist()
    assert [point["x"] % 86_400 for point in values] == [0, 0, 0]


def test_a_long_chart_is_thinned_unless_it_is_asked_whole() -> None:
    whole = chart("miners-revenue", timespan="all", sampled="false").json()["values"]
    thinned = chart("miners-revenue", timespan="all").json()["values"]
    assert len(whole) == 1801, "all days and the one under way"
    assert len(thinned) <= 1500


def test_fees_are_part_of_what_miners_get() -> None:
    span = {"timespan": "30days", "start": "2025-10-01", "sampled": "false"}
    fees = chart("transaction-fees-usd", **span).json()["values"]
    revenue = chart("miners-revenue", **span).json()["values"]
    assert len(fees) == 30
    assert all(0 < fee["y"] < total["y"] for fee, total in zip(fees, revenue, strict=True))


@pytest.mark.parametrize(
    ("name", "params", "status"),
    [
        ("no-such-chart", {}, 404),
        ("hash-rate", {"timespan": "forever"}, 400),
        ("hash-rate", {"timespan": "5days", "start": "then"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, params: dict[str, str], status: int) -> None:
    answer = chart(name, **params)
    assert answer.status_code == status
    assert answer.json()["status"] != "ok"
