"""Real DefiLlama lists through the very client, fetch and parse of the live market, where the recording is at hand."""

from __future__ import annotations

import polars as pl

from sources.http import Transport
from sources.market import Market
from tests.unit.sources.test_recorded_folder import line, market, pytestmark, take
from tests.unit.sources.wire import at

__all__ = ["line", "market", "pytestmark"]


def test_the_list_of_stablecoins(market: Market, line: Transport) -> None:
    taken = take(market, line, "defillama__stablecoins")
    assert taken.error is None
    assert taken.rows.height == 6
    assert set(taken.rows["symbol"]) == {"USDT", "USDC", "USDS", "DAI", "USDe", "USD1"}
    assert set(taken.rows["observed_at"]) == {at("2026-09-08 23:14")}, "when it was recorded, not when it was read"
    assert taken.rows["price_usd"].null_count() == 6, "the excerpt has no prices"
    assert (taken.rows["circulating_units"] > 1e9).all()


def test_hacks_lose_no_row_to_their_key(market: Market, line: Transport) -> None:
    rows = take(market, line, "defillama__hacks").rows
    assert rows.height == rows.unique(["hacked_on", "name", "technique"]).height == 470
    twice = rows.group_by("hacked_on", "name").len().filter(pl.col("len") > 1)
    assert twice["len"].to_list() == [2, 2], "two victims are listed twice on one day"
    assert rows.filter(loss_usd=0.0).height == 1
