"""Real responses through the very client, fetch and parse of the live market.

The folder is not part of the project. Where it is absent these tests are skipped: set UNDERTOW_RECORDED to use another.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, NotRecorded, SourceError
from sources.http import Transport
from sources.market import Market, open_market
from sources.registry import DATASETS
from tests.unit.sources.wire import at

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", Path(__file__).parents[4] / "shared" / "recorded"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "index.jsonl").is_file(),
    reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
)


@dataclass(frozen=True)
class Taken:
    """What a fetch gave: rows as landed, statuses of the answers, the error at the end."""

    rows: pl.DataFrame
    statuses: tuple[int, ...]
    error: SourceError | None


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(f"recorded:{FOLDER}")


@pytest.fixture(scope="module")
def line(market: Market) -> Iterator[Transport]:
    with market.connect() as connected:
        yield connected


def take(market: Market, line: Transport, table: str, window: Window | None = None) -> Taken:
    dataset: Dataset = DATASETS[table]
    window = window or Window(dataset.history, market.now())
    frames, statuses, failure = [dataset.empty()], [], None
    try:
        for body in dataset.fetch(window, line.client(dataset, window)):
            frame = dataset.parse(body)
            assert dataset.novelties(frame) == ()
            assert body.retrieved_at <= market.now()
            frames.append(dataset.conform(frame))
            statuses.append(body.status)
    except SourceError as error:
        failure = error
    return Taken(pl.concat(frames), tuple(statuses), failure)


def test_coin_metrics_pages(market: Market, line: Transport) -> None:
    taken = take(market, line, "coinmetrics__asset_metrics")
    assert taken.error is None
    assert taken.statuses == (200,) * 6
    assert dict(taken.rows["asset"].value_counts().rows()) == {"btc": 2192, "eth": 2192}
    assert taken.rows.select("asset", "day").is_unique().all()
    assert (taken.rows["day"].min(), taken.rows["day"].max()) == (date(2020, 1, 1), date(2025, 12, 31))
    ether = taken.rows.filter(pl.col("asset") == "eth")
    assert ether["price_usd"].null_count() == 0
    assert ether["hash_rate_ths"].null_count() == ether.height, "only the price was recorded"
    assert taken.rows["completed_at"].null_count() == taken.rows.height


def test_breadth_has_the_assets_that_were_recorded_and_names_the_others(market: Market, line: Transport) -> None:
    taken = take(market, line, "coinmetrics__breadth_prices")
    assert taken.statuses == (200,) * 6
    assert dict(taken.rows["asset"].value_counts().rows()) == {"btc": 2192, "eth": 2192}
    assert isinstance(taken.error, NotRecorded)
    assert all(f"{asset}: " in str(taken.error) for asset in ("xrp", "sol", "ada", "doge", "ltc", "bch"))
    assert taken.rows["price_usd"].null_count() == 0


def test_the_crash_of_october_2025_has_its_price(market: Market, line: Transport) -> None:
    rows = take(market, line, "coinmetrics__asset_metrics").rows
    crash = rows.filter(pl.col("asset") == "btc", pl.col("day") == date(2025, 10, 10))
    assert crash["price_usd"].round(2).to_list() == [113_754.85]


def test_farside_whole_history(market: Market, line: Transport) -> None:
    taken = take(market, line, "farside__etf_flows")
    assert taken.statuses == (200, 200, 200), "the page of recent Ether sessions is a challenge and costs itself only"
    assert isinstance(taken.error, Blocked)
    assert "eth, recent sessions: " in str(taken.error)
    sessions = taken.rows.unique(["asset", "session_date"])
    assert dict(sessions["asset"].value_counts().rows()) == {"btc": 495 + 14, "eth": 363}
    # The page's last column is the sum of the funds, to the rounding of one decimal of a million.
    sums = taken.rows.group_by("asset", "session_date").agg(
        pl.col("net_flow_usd").sum(), pl.col("session_total_usd").first()
    )
    assert ((sums["net_flow_usd"] - sums["session_total_usd"]).abs() <= 100_000).all()


def test_farside_pending_session_and_challenge(market: Market, line: Transport) -> None:
    taken = take(market, line, "farside__etf_flows", Window(at("2026-09-10"), market.now()))
    assert taken.statuses == (200,)
    assert isinstance(taken.error, Blocked)
    assert "eth: " in str(taken.error)
    assert taken.rows["session_date"].n_unique() == 14
    pending = taken.rows.filter(pl.col("session_date") == date(2026, 7, 23))
    assert pending.height == 12
    assert pending["net_flow_usd"].null_count() == pending["session_total_usd"].null_count() == 12
    assert taken.rows.filter(pl.col("session_date") < date(2026, 7, 23))["net_flow_usd"].null_count() == 0


def test_fred_series(market: Market, line: Transport) -> None:
    daily, weekly = take(market, line, "fred__daily_series"), take(market, line, "fred__weekly_series")
    assert weekly.error is None
    assert isinstance(daily.error, NotRecorded)
    assert "BAA10Y: " in str(daily.error)
    assert str(daily.error).count("also failed") == 1
    assert "also failed: T5YIE: " in str(daily.error)
    assert set(daily.rows["series_id"]) == {"VIXCLS", "SP500", "DGS2", "DGS10", "BAMLH0A0HYM2", "T10YIE", "DCOILWTICO"}
    assert set(weekly.rows["series_id"]) == {"DTWEXBGS", "STLFSI4"}
    rows = pl.concat([daily.rows, weekly.rows])
    assert rows.select("series_id", "observed_on").is_unique().all()
    # All lines of the recorded files, less those that say "no observation".
    lines = [line for series_id in set(rows["series_id"]) for line in _text(series_id).splitlines()[1:]]
    assert len(lines) == 21_419
    assert rows.height == sum(not line.endswith((",.", ",")) for line in lines)
    oil = rows.filter(pl.col("series_id") == "DCOILWTICO", pl.col("observed_on") == date(2020, 4, 20))
    assert oil["value"][0] < 0
    known = daily.rows.select(DATASETS["fred__daily_series"].knowable_at()).to_series()
    assert known.null_count() == 0


def _text(series_id: str) -> str:
    return gzip.decompress((FOLDER / "fred" / "graph-csv" / f"{series_id}.csv.gz").read_bytes()).decode()


def test_fear_and_greed(market: Market, line: Transport) -> None:
    whole = take(market, line, "alternative_me__fear_greed")
    assert whole.rows.height == 2191
    assert date(2024, 10, 26) not in set(whole.rows["day"])
    newest = take(market, line, "alternative_me__fear_greed", Window(at("2026-09-07"), at("2026-09-09")))
    assert newest.rows["day"].to_list() == [date(2026, 9, 8), date(2026, 9, 7)]


def test_hacks(market: Market, line: Transport) -> None:
    taken = take(market, line, "defillama__hacks")
    assert taken.error is None
    assert taken.rows.height == 470
    assert taken.rows.select(DATASETS["defillama__hacks"].key).is_unique().all()
    assert taken.rows.unique(["hacked_on", "name"]).height == 468
    assert taken.rows["loss_usd"].max() == 3.5e9


@pytest.mark.parametrize("name", ["lth_supply", "sopr", "realized_price", "exchange_reserve"])
def test_holder_metrics(market: Market, line: Transport, name: str) -> None:
    taken = take(market, line, f"bgeometrics__{name}")
    assert taken.error is None
    assert taken.rows.height == 2192
    assert taken.rows.null_count().row(0) == (0, 0)


def test_a_metric_that_was_not_recorded(market: Market, line: Transport) -> None:
    taken = take(market, line, "bgeometrics__sth_sopr")
    assert taken.rows.is_empty()
    assert isinstance(taken.error, NotRecorded)


def test_dvol_without_its_open_candle(market: Market, line: Transport) -> None:
    taken = take(market, line, "deribit__dvol")
    assert "ETH: " in str(taken.error)
    assert taken.rows.height == 34, "35 candles, the last one open"
    assert taken.rows["day"].max() == date(2026, 8, 4)


def test_funding_rates_with_their_jitter_taken_off(market: Market, line: Transport) -> None:
    taken = take(market, line, "binance_futures__funding_rates")
    assert "ETHUSDT: " in str(taken.error)
    settled = taken.rows["settled_at"]
    assert settled.len() == 21
    assert (settled.dt.epoch("s") % (8 * 3600) == 0).all()


def test_book_depth_of_the_day_of_the_crash(market: Market, line: Transport) -> None:
    taken = take(market, line, "binance_vision__um_book_depth", Window(at("2025-10-10"), at("2025-10-11")))
    assert taken.error is None
    assert taken.statuses == (200, 404), "Ether was not recorded, which looks like not published"
    assert taken.rows.height == 28_790
    assert set(taken.rows["band_pct"]) == {-5.0, -4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0}


def test_candles_that_were_not_recorded_are_not_published(market: Market, line: Transport) -> None:
    taken = take(market, line, "binance_vision__spot_klines", Window(at("2025-09-01"), at("2025-10-01")))
    assert taken.error is None
    assert set(taken.statuses) == {404}
    assert taken.rows.is_empty()
