"""Every recorded response of CoinGlass through its own fetch and parse; skipped where the folder is absent."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Window
from sources.market import Market, open_market
from sources.registry import DATASETS

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)

RECORDED = {
    "liquidations": ("liquidation-aggregated-history", 12_047),
    "open_interest": ("open-interest-aggregated-history", 13_907),
    "funding_rates": ("funding-rate-oi-weight-history", 13_589),
    "account_ratios": ("global-long-short-account-ratio-history", 12_516),
    "top_trader_account_ratios": ("top-long-short-account-ratio-history", 13_415),
    "top_trader_position_ratios": ("top-long-short-position-ratio-history", 13_415),
    "order_book": ("orderbook-aggregated-ask-bids-history", 3_514),
    "taker_volumes": ("aggregated-taker-buy-sell-volume-history", 14_147),
    "spot_prices": ("spot-price-history", 18_254),
    "etf_flows": ("etf-bitcoin-flow-history", 607),
}
"""The folder's name for a dataset and how many rows its index of contents counts."""


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(f"recorded:{FOLDER}")


@pytest.fixture(scope="module")
def recorded() -> dict[str, set[str]]:
    """Hashes of the recorded responses by the folder's name for the dataset."""
    found: dict[str, set[str]] = {}
    for line in (FOLDER / "index.jsonl").read_text().splitlines():
        response = json.loads(line)
        if response["provider"] == "coinglass":
            found.setdefault(response["dataset"], set()).add(response["sha256"])
    return found


def test_nothing_recorded_is_left_out(recorded: dict[str, set[str]]) -> None:
    assert set(recorded) == {folder for folder, _ in RECORDED.values()}


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_one_fetch_of_the_history_is_given_every_response(
    market: Market, recorded: dict[str, set[str]], name: str
) -> None:
    folder, row_count = RECORDED[name]
    dataset = DATASETS[f"coinglass__{name}"]
    window = Window(dataset.history, market.now())
    pages: dict[str, pl.DataFrame] = {}
    repeats = []
    with market.connect() as line:
        for body in dataset.fetch(window, line.client(dataset, window)):
            frame = dataset.parse(body)
            assert dataset.novelties(frame) == ()
            if body.sha256 in pages:
                repeats.append(body)
            pages[body.sha256] = dataset.conform(frame)
        assert list(line.further_windows()) == [], "nothing is left that nobody was given"
    assert set(pages) == recorded[folder]
    # A recording answers the span after its last page with that page once more, by which the fetch sees the end.
    assert len(repeats) == len({body.request.param("symbol") for body in repeats})
    rows = pl.concat(pages.values())
    assert rows.height == row_count
    assert rows.select(dataset.key).is_unique().all(), "no two pages hold the same day"


def test_values_of_days_that_are_known(market: Market) -> None:
    liquidations = _history(market, "liquidations")
    calm = liquidations.filter(pl.col("asset") == "btc", pl.col("day") == date(2022, 12, 24))
    assert round(calm["long_liquidations_usd"][0]) == 386, "a gap of the feed, not a calm day"
    flows = _history(market, "etf_flows")
    assert set(flows["ticker"]) == {"all"}
    spring = flows.filter(pl.col("day") == date(2024, 4, 30))
    assert round(spring["net_flow_usd"][0], -5) == 33_600_000.0
    funding = _history(market, "funding_rates")
    assert funding["funding_rate_pct"].abs().median() > 0.001, "per cent, not fractions"  # type: ignore[operator]


def _history(market: Market, name: str) -> pl.DataFrame:
    dataset = DATASETS[f"coinglass__{name}"]
    window = Window(dataset.history, market.now())
    with market.connect() as line:
        bodies = list(dataset.fetch(window, line.client(dataset, window)))
    return pl.concat([dataset.conform(dataset.parse(body)) for body in bodies]).unique(dataset.key)
