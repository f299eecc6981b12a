"""Recorded answers of Binance futures through the very client, fetch and parse of the live market."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Window
from sources.errors import NotRecorded, SourceError
from sources.market import open_market
from sources.providers.binance_futures import FUNDING_RATES, OPEN_INTEREST

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


def test_every_hour_of_open_interest_and_what_was_not_recorded() -> None:
    market = open_market(f"recorded:{FOLDER}")
    window, frames, failure = Window(OPEN_INTEREST.history, market.now()), [], None
    with market.connect() as line:
        try:
            for body in OPEN_INTEREST.fetch(window, line.client(OPEN_INTEREST, window)):
                frame = OPEN_INTEREST.parse(body)
                assert OPEN_INTEREST.novelties(frame) == ()
                frames.append(OPEN_INTEREST.conform(frame))
        except SourceError as error:
            failure = error
    assert isinstance(failure, NotRecorded)
    assert "ETHUSDT: " in str(failure)
    assert "BTCUSDT: " not in str(failure)
    # A recording answers every span of a series with the same page, so rows may come twice.
    rows = pl.concat(frames).unique(OPEN_INTEREST.key)
    assert rows.height == 12
    assert set(rows["symbol"]) == {"BTCUSDT"}
    assert rows.null_count().sum_horizontal().item() == 0


def test_open_interest_is_stamped_with_the_instant_of_its_price() -> None:
    market = open_market(f"recorded:{FOLDER}")
    frames = {}
    with market.connect() as line:
        for dataset in (OPEN_INTEREST, FUNDING_RATES):
            window = Window(dataset.history, market.now())
            frames[dataset.name] = dataset.parse(next(dataset.fetch(window, line.client(dataset, window))))
    both = frames["open_interest"].join(
        frames["funding_rates"], left_on=["symbol", "observed_at"], right_on=["symbol", "settled_at"]
    )
    assert both.height == 2, "settlements at midnight and at eight"
    price = both["open_interest_usd"] / both["open_interest_coin"]
    assert ((price / both["mark_price"] - 1).abs() < 1e-5).all()
