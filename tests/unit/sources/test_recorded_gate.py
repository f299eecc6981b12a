"""The recorded response of Gate through the recorded market; the folder is not part of the project."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sources.dataset import Window
from sources.errors import NotRecorded
from sources.market import open_market
from sources.providers.gate import CONTRACT_STATS
from tests.unit.sources.wire import at

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


def test_of_two_recorded_hours_the_one_under_way_does_not_count() -> None:
    market = open_market(f"recorded:{FOLDER}")
    window = Window(CONTRACT_STATS.history, market.now())
    bodies = []
    with market.connect() as line, pytest.raises(NotRecorded, match="ETH_USDT: "):
        for body in CONTRACT_STATS.fetch(window, line.client(CONTRACT_STATS, window)):
            bodies.append(body)
    assert {body.sha256 for body in bodies} == {bodies[0].sha256}
    assert bodies[0].retrieved_at == at("2026-09-09 15:30")
    frame = CONTRACT_STATS.parse(bodies[0])
    assert CONTRACT_STATS.novelties(frame) == ()
    assert frame["opened_at"].to_list() == [at("2026-09-09 07:00")]
    # When the second hour is over, both of the rows that were recorded count.
    whole = CONTRACT_STATS.parse(replace(bodies[0], retrieved_at=at("2026-09-09 16:05")))
    assert whole["opened_at"].to_list() == [at("2026-09-09 07:00"), at("2026-09-09 15:00")]
    # The vendor's own figures say what the two ratios are, and that a contract is 0.0001 coins.
    for row in whole.rows(named=True):
        taken = row["taker_buy_contracts"] / row["taker_sell_contracts"]
        assert row["taker_buy_sell_volume_ratio"] == pytest.approx(taken)
        assert row["account_long_short_ratio"] == pytest.approx(row["long_account_count"] / row["short_account_count"])
        notional = row["open_interest_contracts"] * 0.0001 * row["mark_price"]
        assert row["open_interest_usd"] == pytest.approx(notional)
