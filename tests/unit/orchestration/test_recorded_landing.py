"""Recorded responses as they land: every one of a series, also those that one look at the whole history leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.landing import Workspace, open_workspace, refresh_dataset
from orchestration.progress import Observer
from orchestration.settings import Settings
from sources.registry import DATASETS
from tests.unit.orchestration.tiny_market import ask
from tests.unit.sources.test_recorded_folder import FOLDER, pytestmark

__all__ = ["pytestmark"]

TABLES = ("alternative_me__fear_greed", "defillama__stablecoins", "defillama__hacks", "cftc__legacy_futures")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings.load(market=f"recorded:{FOLDER}", home=tmp_path)
    with open_workspace(settings, [DATASETS[table] for table in TABLES], Observer()) as opened:
        yield opened


def test_both_answers_to_one_question_land(workspace: Workspace) -> None:
    report = refresh_dataset(workspace, DATASETS["alternative_me__fear_greed"], "run-1")
    assert report.errors == []
    assert (report.status, report.body_count, report.new_row_count) == ("landed", 2, 2_191 + 2)
    days = ask(workspace, "select min(day)::varchar, max(day)::varchar, count(*) from raw.alternative_me__fear_greed")
    assert days == [("2020-01-01", "2026-09-08", 2_193)]
    again = refresh_dataset(workspace, DATASETS["alternative_me__fear_greed"], "run-2")
    assert (again.status, again.new_row_count, again.changed_row_count) == ("unchanged", 0, 0)


@pytest.mark.parametrize(("table", "row_count"), [("defillama__stablecoins", 6), ("defillama__hacks", 470)])
def test_lists_land_whole(workspace: Workspace, table: str, row_count: int) -> None:
    report = refresh_dataset(workspace, DATASETS[table], "run-1")
    assert report.errors == []
    assert (report.new_row_count, report.duplicate_row_count) == (row_count, 0)


def test_reports_are_available_from_their_release(workspace: Workspace) -> None:
    report = refresh_dataset(workspace, DATASETS["cftc__legacy_futures"], "run-1")
    assert report.new_row_count == 652
    (first, last) = ask(
        workspace,
        """
        select min(_available_at)::varchar, max(_available_at)::varchar from raw.cftc__legacy_futures
        where report_date between '2025-09-30' and '2025-12-30'
        """,
    )[0]
    assert (first, last) == ("2025-11-19 20:30:00+00", "2026-01-05 20:30:00+00")
