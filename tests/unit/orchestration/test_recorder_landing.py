"""Recorded segments through the real landing into the warehouse: archived first, landed once, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestration.landing import Workspace, open_workspace, refresh_dataset, replay
from orchestration.progress import Observer
from orchestration.settings import Settings
from sources.dataset import UTC
from sources.providers.recorder import BOOK_DEPTH, DATASETS, LIQUIDATION_EVENTS, STREAM_COVERAGE
from sources.recorder.segments import SegmentWriter, closed_segments
from sources.recorder.stream import Stream
from sources.recorder.venues import STREAMS
from tests.unit.orchestration.tiny_market import ask
from tests.unit.recorder.venue_server import BOOKS, liquidations

START = datetime(2026, 10, 1, 9, tzinfo=UTC)
TABLES = {dataset.name: dataset for dataset in DATASETS}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(home=tmp_path, market="live")


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with open_workspace(settings, DATASETS, Observer()) as opened:
        yield opened


def record(settings: Settings, stream: Stream, start: datetime, *texts: str) -> None:
    """A segment of a minute with these messages."""
    writer = SegmentWriter(settings.recorder_path, stream, max_age=timedelta(minutes=10))
    writer.start(start)
    writer.subscribed(start + timedelta(seconds=1))
    for place, text in enumerate(texts, start=2):
        writer.frame(start + timedelta(seconds=place), text)
    writer.stop(start + timedelta(minutes=1), start + timedelta(seconds=59))


def record_everything(settings: Settings, number: int = 1) -> None:
    import json

    start = START + timedelta(minutes=number)
    for label, message in liquidations(number).items():
        record(settings, STREAMS[label], start, message)
    record(settings, STREAMS["binance/book_btcusdt"], start, json.dumps(BOOKS["fapi.binance.com"]))


def count(workspace: Workspace, table: str) -> int:
    ((found,),) = ask(workspace, f"select count(*) from raw.recorder__{table}")
    assert isinstance(found, int)
    return found


def test_every_venue_lands(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings)
    reports = {dataset.name: refresh_dataset(workspace, dataset, "run-1") for dataset in DATASETS}
    assert {report.status for report in reports.values()} == {"landed"}
    assert [report.errors for report in reports.values()] == [[], [], []]
    # One of each venue, but two of Bybit's message and two sides of Deribit's.
    assert ask(workspace, "select venue, count(*) from raw.recorder__liquidations group by all order by all") == [
        ("binance", 1), ("bitfinex", 1), ("bitmex", 1), ("bybit", 2), ("deribit", 2), ("gate", 1), ("okx", 1),
    ]  # fmt: skip
    assert count(workspace, "depth") == 10
    assert ask(workspace, "select status, count(*) from raw.recorder__coverage group by all order by all") == [
        ("connected", 8),
        ("gap", 8),
    ]


def test_a_liquidation_could_be_known_when_it_was_received(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings)
    refresh_dataset(workspace, LIQUIDATION_EVENTS, "run-1")
    late = ask(workspace, "select count(*) from raw.recorder__liquidations where _available_at <> received_at")
    assert late == [(0,)]


def test_the_same_segment_twice_changes_nothing(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings)
    for dataset in DATASETS:
        refresh_dataset(workspace, dataset, "run-1")
    before = {name: count(workspace, name) for name in TABLES}
    for dataset in DATASETS:
        report = refresh_dataset(workspace, dataset, "run-2", since=START - timedelta(days=1))
        assert (report.body_count, report.new_row_count, report.changed_row_count) == (0, 0, 0)
    # Read once more from the start, as if the warehouse had been lost.
    for dataset in DATASETS:
        replay(workspace, dataset)
    assert {name: count(workspace, name) for name in TABLES} == before


def test_a_segment_closed_later_is_taken_up_though_its_day_is_covered(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings, 30)
    refresh_dataset(workspace, LIQUIDATION_EVENTS, "run-1")
    before = count(workspace, "liquidations")
    # A recorder that was killed finishes its segment when it is started again, days later.
    record(settings, STREAMS["bybit/liquidations"], START - timedelta(days=40), liquidations(2)["bybit/liquidations"])
    report = refresh_dataset(workspace, LIQUIDATION_EVENTS, "run-2")
    assert (report.body_count, report.new_row_count) == (1, 2)
    assert count(workspace, "liquidations") == before + 2


def test_a_segment_that_does_not_read_costs_itself_only(settings: Settings, workspace: Workspace) -> None:
    record(settings, STREAMS["bybit/liquidations"], START, '{"topic":"allLiquidation.BTCUSDT","data":"moved"}')
    record(settings, STREAMS["binance/liquidations"], START, liquidations(1)["binance/liquidations"])
    report = refresh_dataset(workspace, LIQUIDATION_EVENTS, "run-1")
    assert (report.status, report.quarantined_count, report.new_row_count) == ("failed", 1, 1)
    assert "bybit/liquidations sends what it never sent" in str(report.error)
    assert refresh_dataset(workspace, LIQUIDATION_EVENTS, "run-2").errors == []


def test_a_segment_that_landed_may_be_removed_from_the_spool(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings)
    refresh_dataset(workspace, STREAM_COVERAGE, "run-1")
    before = count(workspace, "coverage")
    for segment in closed_segments(settings.recorder_path):
        segment.path.unlink()
    assert refresh_dataset(workspace, STREAM_COVERAGE, "run-2").errors == []
    replay(workspace, STREAM_COVERAGE)
    assert count(workspace, "coverage") == before


def test_nothing_recorded_is_no_error(workspace: Workspace) -> None:
    for dataset in DATASETS:
        report = refresh_dataset(workspace, dataset, "run-1")
        assert (report.status, report.errors) == ("empty", [])


def test_depth_is_known_when_it_was_observed(settings: Settings, workspace: Workspace) -> None:
    record_everything(settings)
    refresh_dataset(workspace, BOOK_DEPTH, "run-1")
    assert ask(workspace, "select count(*) from raw.recorder__depth where _available_at <> observed_at") == [(0,)]
