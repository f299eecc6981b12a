"""Cadence comes from the descriptors, and results say what happened."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from orchestration.automation import FREQUENCIES, RefreshResult, UnknownDataset, datasets_due, is_due, run_refresh
from orchestration.build_state import Build
from orchestration.landing import DatasetReport
from orchestration.settings import Settings
from orchestration.warehouse import Progress
from sources.dataset import Window
from sources.registry import DATASETS


def ticks(frequency: str, start: datetime, days: int) -> dict[str, int]:
    """How often each dataset of a frequency is due within so many days, minute by minute."""
    chosen = [dataset for dataset in DATASETS.values() if dataset.cadence.frequency == frequency]
    counts = {dataset.table: 0 for dataset in chosen}
    for minute in range(days * 24 * 60):
        for dataset in datasets_due(chosen, start + timedelta(minutes=minute)):
            counts[dataset.table] += 1
    return counts


def test_every_dataset_has_a_frequency_that_has_a_schedule() -> None:
    assert {dataset.cadence.frequency for dataset in DATASETS.values()} <= set(FREQUENCIES)


def test_a_day_has_every_hourly_dataset_24_times_or_as_often_as_its_cron_says() -> None:
    counts = ticks("hourly", datetime(2025, 3, 5, tzinfo=timezone.utc), 1)
    assert counts
    every_hour = {table for table in counts if DATASETS[table].cadence.cron.split()[1] == "*"}
    assert {counts[table] for table in every_hour} == {24}
    assert all(2 <= count < 24 for table, count in counts.items() if table not in every_hour)


def test_a_week_has_every_weekly_dataset_once() -> None:
    counts = ticks("weekly", datetime(2025, 3, 3, tzinfo=timezone.utc), 7)
    assert counts
    assert set(counts.values()) == {1}


def test_a_tick_asks_only_for_what_is_due_then() -> None:
    due = datasets_due(tuple(DATASETS.values()), datetime(2025, 3, 5, 8, 15, tzinfo=timezone.utc))
    crons = {dataset.cadence.cron for dataset in due}
    assert "coinmetrics__asset_metrics" in {dataset.table for dataset in due}
    assert crons <= {"15 8 * * *", "15 * * * *"}


@pytest.mark.parametrize(
    ("asked", "covered", "expected"),
    [
        ((), (), True),
        ((("03-01", "03-05T08:10"),), (("03-01", "03-05T08:10"),), True),
        ((("03-01", "03-05T08:20"),), (("03-01", "03-05T08:20"),), False),
        ((("03-01", "03-05T08:20"),), (("03-02", "03-05T08:20"),), True),
        ((("01-01", "02-01"), ("03-01", "03-05T08:20")), (("01-01", "02-01"), ("03-01", "03-05T08:20")), False),
    ],
)
def test_a_dataset_is_due_when_its_cron_has_fired_or_something_never_came(
    asked: tuple[tuple[str, str], ...], covered: tuple[tuple[str, str], ...], expected: bool
) -> None:
    def windows(spans: tuple[tuple[str, str], ...]) -> tuple[Window, ...]:
        return tuple(
            Window(*(datetime.fromisoformat(f"2025-{text}").replace(tzinfo=timezone.utc) for text in span))
            for span in spans
        )

    dataset = DATASETS["coinmetrics__asset_metrics"]
    assert dataset.cadence.cron == "15 8 * * *"
    progress = Progress(1, windows(asked), windows(covered))
    assert is_due(dataset, progress, datetime(2025, 3, 5, 12, tzinfo=timezone.utc)) is expected


def test_an_unknown_dataset_is_named_and_the_known_ones_listed(tmp_path: object) -> None:
    settings = Settings.load(home=tmp_path, market="simulated")
    with pytest.raises(UnknownDataset, match=r"no dataset is called nonsense; there are: .*fred__daily_series"):
        run_refresh(settings, only=["fred", "nonsense"])


def test_a_result_adds_its_parts_up() -> None:
    reports = (
        DatasetReport("a", status="landed", new_row_count=2, fetch_seconds=1.0, parse_seconds=0.5, land_seconds=0.25),
        DatasetReport("b", status="failed", errors=["b: no"], changed_row_count=1, fetch_seconds=2.0),
    )
    result = RefreshResult("run", reports, Build("built", seconds=3.0), None, "why not", 9.0, 0.0)
    parts = (result.fetch_seconds, result.parse_seconds, result.land_seconds, result.dbt_seconds)
    assert parts == (3.0, 0.5, 0.25, 3.0)
    assert (result.new_row_count, result.changed_row_count) == (2, 1)
    assert not result.is_success
