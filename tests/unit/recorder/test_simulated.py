"""The simulated recorder tells the one simulated market: its depth and its liquidations are those of the state."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from sources.dataset import Dataset, Window, at_midnight
from sources.market import open_market
from sources.providers.recorder import BOOK_DEPTH, LIQUIDATION_EVENTS, STREAM_COVERAGE
from sources.simulator import market
from sources.simulator.state import BANDS_PCT, day_index

DAY = date(2025, 11, 21)


@cache
def told(name: str) -> pl.DataFrame:
    dataset: Dataset = {one.name: one for one in (BOOK_DEPTH, LIQUIDATION_EVENTS, STREAM_COVERAGE)}[name]
    window = Window(at_midnight(date(2025, 10, 1)), market.END_OF_MARKET)
    with open_market("simulated").connect() as transport:
        bodies = dataset.fetch(window, transport.client(dataset, window))
        return pl.concat([dataset.conform(dataset.parse(body)) for body in bodies])


@pytest.mark.parametrize(("venue", "symbol", "size"), [("binance", "BTCUSDT", 1.0), ("okx", "BTC-USDT-SWAP", 0.01)])
def test_depth_is_that_of_the_state(venue: str, symbol: str, size: float) -> None:
    coins, _, _ = market.load().depth("BTCUSDT", DAY)
    rows = told("depth").filter(
        (pl.col("venue") == venue) & (pl.col("symbol") == symbol) & (pl.col("observed_at").dt.date() == DAY)
    )
    for band in (-1, 1) if venue == "binance" else (-5, -4, -2, -1, 1, 2, 4, 5):
        found = rows.filter(pl.col("band_pct") == float(band)).sort("observed_at")
        depth = found["depth_coin"] if venue == "binance" else found["depth_contracts"] * size
        assert depth.to_list() == pytest.approx(coins[::4, BANDS_PCT.index(band)].tolist(), rel=1e-4)
        assert found["is_whole_band"].all()


def test_a_book_that_is_shown_to_one_per_cent_says_so() -> None:
    rows = told("depth").filter((pl.col("venue") == "binance") & (pl.col("band_pct").abs() > 1.5))
    assert not rows["is_whole_band"].any()
    assert rows["reach_pct"].max() < 2.0  # type: ignore[operator]


def test_more_is_liquidated_on_the_side_that_the_state_says() -> None:
    perpetual = market.load().perpetuals["BTCUSDT"]
    hours = slice(day_index(DAY) * 24, day_index(DAY) * 24 + 24)
    truth = {
        "long": float(perpetual.long_liquidations_usd[hours].sum()),
        "short": float(perpetual.short_liquidations_usd[hours].sum()),
    }
    rows = told("liquidations").filter(
        (pl.col("occurred_at").dt.date() == DAY) & (pl.col("venue") == "bybit") & (pl.col("symbol") == "BTCUSDT")
    )
    for side, usd in truth.items():
        one = rows.filter(pl.col("side") == side)
        assert (one["size_coin"] * one["price"]).sum() == pytest.approx(0.25 * usd, rel=1e-3)


def test_the_throttled_feed_tells_the_least_when_most_happens() -> None:
    rows = told("liquidations").filter(pl.col("symbol") == "BTCUSDT", pl.col("side") == "long")
    usd = rows.with_columns(usd=pl.col("size_coin") * pl.col("price"), hour=pl.col("occurred_at").dt.truncate("1h"))
    both = usd.pivot("venue", index="hour", values="usd", aggregate_function="sum").sort("bybit")
    ratio = both["binance"] / both["bybit"]
    assert ratio[-24:].mean() < 0.5 * ratio[:24].mean()  # type: ignore[operator]


def test_spans_of_a_stream_follow_each_other_without_a_hole() -> None:
    for _, spans in told("coverage").sort("started_at").group_by("venue", "stream"):
        assert spans["ended_at"][:-1].to_list() == spans["started_at"][1:].to_list()
        assert spans["ended_at"].max() - spans["started_at"].min() == timedelta(days=60)  # type: ignore[operator]
