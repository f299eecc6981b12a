"""Recorded answers of Bybit through the very client, fetch and parse of the live market."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Dataset, Window
from sources.errors import NotRecorded, SourceError
from sources.market import open_market
from sources.providers.bybit import FUNDING_RATES, OPEN_INTEREST

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


def take(dataset: Dataset) -> tuple[pl.DataFrame, SourceError | None]:
    market = open_market(f"recorded:{FOLDER}")
    window, frames, failure = Window(dataset.history, market.now()), [dataset.empty()], None
    with market.connect() as line:
        try:
            for body in dataset.fetch(window, line.client(dataset, window)):
                frame = dataset.parse(body)
                assert dataset.novelties(frame) == ()
                frames.append(dataset.conform(frame))
        except SourceError as error:
            failure = error
    return pl.concat(frames), failure


def test_settlements() -> None:
    rows, failure = take(FUNDING_RATES)
    assert isinstance(failure, NotRecorded)
    assert "ETHUSDT: " in str(failure)
    assert "BTCUSDT: " not in str(failure), "a page that is not full is the last one"
    assert rows.height == 21
    assert rows.select(FUNDING_RATES.key).is_unique().all()
    assert (rows["settled_at"].dt.epoch("s") % (8 * 3600) == 0).all()


def test_open_interest_is_kept_although_its_cursor_leads_past_the_recording() -> None:
    rows, failure = take(OPEN_INTEREST)
    assert isinstance(failure, NotRecorded)
    assert "BTCUSDT: " in str(failure)
    assert "cursor=lastid" in str(failure)
    assert rows.height == 8
    assert set(rows["symbol"]) == {"BTCUSDT"}
    assert rows["open_interest_coin"].null_count() == 0
    halves = rows["open_interest_coin"] / rows["open_interest_double_sided_coin"]
    assert halves.is_between(0.499, 0.501).all()
