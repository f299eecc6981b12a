"""Every recorded response of the Binance archive through the very client, fetch and parse of the live market."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Body, Window
from sources.http import Transport
from sources.market import Market, open_market
from sources.registry import DATASETS
from tests.unit.sources.wire import at

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(f"recorded:{FOLDER}")


@pytest.fixture(scope="module")
def line(market: Market) -> Iterator[Transport]:
    with market.connect() as connected:
        yield connected


def take(line: Transport, table: str, window: Window) -> tuple[pl.DataFrame, list[Body]]:
    dataset = DATASETS[table]
    bodies = list(dataset.fetch(window, line.client(dataset, window)))
    frames = []
    for body in bodies:
        frame = dataset.parse(body)
        assert dataset.novelties(frame) == ()
        frames.append(dataset.conform(frame))
    return pl.concat(frames), [body for body in bodies if body.status == 200]


def recorded_urls(*folders: str) -> set[str]:
    """Addresses of all recorded responses of these folders of the archive."""
    rows = map(json.loads, (FOLDER / "index.jsonl").read_text().splitlines())
    urls = {row["request"]["url"] for row in rows if row["provider"] == "binance_vision"}
    return {url for url in urls if any(folder in url for folder in folders)}


def asked(bodies: list[Body]) -> set[str]:
    return {one.request.url for body in bodies for one in (body, *body.companions) if one.status == 200}


def test_index_candles_of_every_second_day(market: Market, line: Transport) -> None:
    window = Window(at("2025-10-01"), at("2026-01-01"))
    rows, bodies = take(line, "binance_vision__um_index_klines", window)
    assert asked(bodies) == recorded_urls("/indexPriceKlines/"), "no recorded file is left over"
    assert len(bodies) == 45
    assert rows.height == 12_960
    assert rows.select("symbol", "opened_at").is_unique().all()
    days = rows["opened_at"].dt.date().unique().sort()
    assert (days[0], days[-1], len(days)) == (date(2025, 10, 1), date(2025, 12, 29), 45)
    assert (rows["high_price"] >= rows["low_price"]).all()
    assert rows["index_value_count"].max() == 300


def test_minutes_of_usde_through_its_break(market: Market, line: Transport) -> None:
    window = Window(at("2025-09-09"), at("2026-01-15"))
    rows, bodies = take(line, "binance_vision__spot_klines_1m", window)
    assert asked(bodies) == recorded_urls("/USDEUSDT/1m/"), "no recorded file is left over"
    assert len(bodies) == 128
    assert rows.height == 183_600
    first_day = rows.filter(pl.col("opened_at") < at("2025-09-10"))
    assert first_day.height == 720
    assert first_day["opened_at"].min() == at("2025-09-09 12:00")
    assert rows["low_price"].min() == 0.65
    lowest = rows.filter(pl.col("low_price") == 0.65)
    assert lowest["opened_at"].min() == at("2025-10-10 21:54")
    # What the recording does not hold is written 0 there and stays 0 here.
    for name in ("volume_quote", "trade_count", "taker_buy_volume_base", "taker_buy_volume_quote"):
        assert rows[name].unique().to_list() == [0]
    assert rows["volume_base"].sum() > 0


def test_days_that_were_not_recorded_are_not_published(market: Market, line: Transport) -> None:
    rows, bodies = take(line, "binance_vision__um_index_klines", Window(at("2025-10-02"), at("2025-10-03")))
    assert bodies == []
    assert rows.is_empty()
