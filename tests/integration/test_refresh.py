"""A refresh on the simulated market: with news, without, with everything that can go wrong, and killed."""

from __future__ import annotations

import json
import signal
from datetime import date, datetime, timezone

import dagster as dg
import polars as pl
import pytest

from orchestration.automation import open_instance, run_backfill, run_refresh
from orchestration.cli.why import state_in_archive
from orchestration.landing import open_workspace, replay
from orchestration.progress import Observer
from orchestration.warehouse import Warehouse
from sources.dataset import Window
from sources.registry import DATASETS
from tests.integration import days
from tests.integration.conftest import Home, assert_same

pytestmark = pytest.mark.timeout(900)

REFRESH = """
from orchestration.automation import run_refresh
from orchestration.settings import Settings
from tests.integration.days import {datasets}
result = run_refresh(Settings.load(), only={datasets})
print("done" if result.is_success else "failed", flush=True)
"""
REFRESH_ALL, REFRESH_FEW = REFRESH.format(datasets="CORE"), REFRESH.format(datasets="FEW")
# Each stops the process dead at a moment that hurts: it says so and waits to be killed.
STOP = """
import sys, time
def stop(*_, **__):
    print("stopped", flush=True)
    time.sleep(600)
"""
KILLED_IN = {
    "fetching": STOP
    + """
from sources.archive import Archive
store, count = Archive.store, 0
def store_some(self, body, run_id, **options):
    global count
    count += 1
    return stop() if count == 12 else store(self, body, run_id, **options)
Archive.store = store_some
"""
    + REFRESH_FEW,
    "landing": STOP
    + """
from orchestration.warehouse import Warehouse
record = Warehouse._record
def stop_at(self, connection, landing, landed):
    record(self, connection, landing, landed)
    if landing.dataset.name == "um_metrics":
        stop()
Warehouse._record = stop_at
"""
    + REFRESH_FEW,
    "dbt": STOP
    + """
from orchestration.automation import run_refresh
from orchestration.progress import Observer
from orchestration.settings import Settings
from tests.integration.days import FEW
class Stopper(Observer):
    def node_finished(self, name, number, node_count, status):
        if number == node_count // 2:
            stop()
run_refresh(Settings.load(), only=FEW, observer=Stopper())
""",
    "publishing": STOP
    + """
from orchestration.publishing import snapshot
snapshot._point_to = stop
"""
    + REFRESH_FEW,
    "the last moment": STOP
    + """
from orchestration.build_state import BuildState
BuildState.note_published = stop
"""
    + REFRESH_FEW,
}


class Recorder(Observer):
    """Notes what it was told."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.nodes: list[tuple[int, int]] = []
        self.published_tables = 0

    def dataset_started(self, table: str, window_count: int) -> None:
        self.started.append(table)

    def node_finished(self, name: str, number: int, node_count: int, status: str) -> None:
        self.nodes.append((number, node_count))

    def published(self, path: object, table_count: int, row_count: int) -> None:
        self.published_tables = table_count


def version(home: Home) -> str:
    """The published version that readers get."""
    return (home.settings().published_path / "undertow.duckdb").resolve().parent.name


def test_a_second_refresh_changes_nothing(home: Home) -> None:
    before, published = home.tables("raw", "marts"), version(home)
    result = home.refresh()
    assert result.is_success
    assert result.build.status == "unchanged"
    assert {report.status for report in result.datasets} <= {"unchanged", "current", "empty"}
    assert (result.new_row_count, result.changed_row_count) == (0, 0)
    assert result.not_published_because is not None
    assert_same(home.tables("raw", "marts"), before)
    assert version(home) == published


def test_forced_without_news_builds_everything_again_and_gets_the_same(home: Home) -> None:
    before = home.tables("raw", "marts")
    recorder = Recorder()
    result = home.refresh(only=["deribit.dvol"], force=True, observer=recorder)
    assert result.build.status == "built"
    assert result.publication is not None
    assert_same(home.tables("raw", "marts"), before)
    assert recorder.started == ["deribit__dvol"]
    assert recorder.nodes[-1] == (result.build.node_count, result.build.node_count)
    assert recorder.published_tables == result.publication.table_count


def test_a_new_day_brings_its_rows_and_keeps_the_old_ones(home: Home, next_day: dict[str, pl.DataFrame]) -> None:
    before = home.tables("raw")
    for table, rows in before.items():
        kept = next_day[table].join(rows, on=rows.columns, how="semi", nulls_equal=True)
        assert kept.height == rows.height, f"{table} lost rows"
    news = [table for table, rows in before.items() if next_day[table].height > rows.height]
    assert len(news) >= 15


def test_killed_at_every_step_and_run_again_is_as_if_never_killed(
    next_day: dict[str, pl.DataFrame], home: Home
) -> None:
    # Every run but the last is killed, each a step further than the one before, which it has to clear up after.
    for moment, code in KILLED_IN.items():
        process = home.start(code, days.NEXT)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "stopped", f"the refresh never came to {moment}"
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = home.refresh(days.NEXT)
    assert result.is_success, [*(report.error for report in result.datasets), *result.build.problems]
    assert result.publication is not None
    assert_same(home.tables("raw", "marts"), next_day)
    with open_instance(home.settings()) as instance:
        statuses = [run.status.value for run in instance.get_runs()]
    assert set(statuses) == {"SUCCESS", "FAILURE"}
    assert statuses.count("FAILURE") == len(KILLED_IN)


def test_two_refreshes_at_once_are_as_good_as_one(next_day: dict[str, pl.DataFrame], home: Home) -> None:
    processes = [home.start(REFRESH_ALL, days.NEXT) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in processes] == ["done", "done"]
    assert_same(home.tables("raw", "marts"), next_day)


class TestABadDay:
    FAULTS = ("dead:fred", "garbage:farside", "restated:coinmetrics:2025-11-03", "new_column:deribit")

    def test_costs_its_own_rows_only(self, home: Home) -> None:
        result = home.refresh(days.NEXT, self.FAULTS)
        reports = {report.table: report for report in result.datasets}

        assert not result.is_success
        assert {table for table, report in reports.items() if report.errors} == {
            "farside__etf_flows",
            "fred__daily_series",
            "fred__weekly_series",
        }
        assert reports["fred__daily_series"].error is not None
        assert "undertow doctor" in reports["fred__daily_series"].error
        assert reports["farside__etf_flows"].quarantined_count > 0
        assert result.build.status == "built", result.build.problems
        assert result.publication is not None

        restated = home.ask(
            """
            select price_usd, _available_at, _available_basis from raw.coinmetrics__asset_metrics
            where asset = 'btc' and day = '2025-11-03' order by _vintage_at
            """
        )
        assert len(restated) == 2
        assert restated[0][0] != restated[1][0]
        assert restated[1][1:] == (datetime.fromisoformat(days.NEXT), "observed")
        assert reports["deribit__dvol"].novelties != ()
        assert home.ask("select distinct table_name from ops.novelties") == [("deribit__dvol",)]
        self._is_loud_in_dagster(home, result.run_id)

        again = home.refresh(days.NEXT)
        assert again.is_success
        assert {report.table for report in again.datasets if report.new_row_count} >= {
            "farside__etf_flows",
            "fred__daily_series",
        }
        assert home.ask("select count(*) from meta.quarantine")[0] > (0,)

    def _is_loud_in_dagster(self, home: Home, run_id: str) -> None:
        with open_instance(home.settings()) as instance:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            assert run.status is dg.DagsterRunStatus.FAILURE
            failed = {
                event.step_key
                for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
                if event.step_key
            }
            assert failed == {"raw__farside__etf_flows", "raw__fred__daily_series", "raw__fred__weekly_series"}
            fresh = instance.get_latest_materialization_event(dg.AssetKey(["raw", "coinmetrics__asset_metrics"]))
            assert fresh is not None
            assert fresh.asset_materialization is not None
            assert fresh.asset_materialization.metadata["changed rows"].value >= 1


def test_a_failing_check_keeps_the_readers_where_they_are(home: Home) -> None:
    published = version(home)
    with_bad_row = """
        insert into raw.alternative_me__fear_greed
        select * replace (420 as fear_greed_index, day + 1000 as day) from raw.alternative_me__fear_greed limit 1
    """
    settings = home.settings()
    with Warehouse(settings).connect("testing") as connection:
        connection.execute(with_bad_row)
    result = run_refresh(settings, only=["alternative_me"], force=True)
    assert result.build.status == "failed"
    assert any("fear_greed" in problem for problem in result.build.problems)
    assert result.publication is None
    assert version(home) == published
    # The marts in the warehouse are not whole, so an unforced refresh builds again although nothing is new.
    assert run_refresh(settings, only=["alternative_me"]).build.status == "failed"


def test_a_damaged_journal_of_prints_stops_the_build(home: Home) -> None:
    published = version(home)
    journal = home.settings().archive_path / "_prints" / "cmsi.jsonl"
    journal.parent.mkdir()
    journal.write_text("[1]\n")
    result = home.refresh(only=["deribit.dvol"], force=True)
    assert result.build.status == "failed"
    assert any(f"{journal}, line 1" in problem and "backup" in problem for problem in result.build.problems)
    assert result.publication is None
    assert version(home) == published


def test_replaying_the_archive_gives_identical_rows_without_a_network(home: Home) -> None:
    asked = "select table_name, sequence, method, url, params, content, sha256, path from ops.retrievals order by all"
    before, requests = home.tables("raw"), home.ask(asked)
    with open_workspace(home.settings(), DATASETS.values(), Observer()) as workspace:
        workspace.transport.close()
        for dataset in DATASETS.values():
            assert replay(workspace, dataset).errors == []
    assert_same(home.tables("raw"), before)
    assert home.ask(asked) == requests


def test_every_row_behind_the_index_leads_to_a_body_in_the_archive(home: Home) -> None:
    archive = home.settings().archive_path
    bodies = home.ask("select table_name, method, url, path, body_sha256, row_count from meta.bodies")
    assert len({body[0] for body in bodies}) >= 14
    for table, method, url, path, sha256, _ in bodies:
        assert method == "GET" and str(url).startswith("https://"), table
        assert state_in_archive(archive, str(path), str(sha256)) == "verified", path
    for table in {body[0] for body in bodies}:
        assert home.ask(f"select count(*) from raw.{table}") == [(sum(b[5] for b in bodies if b[0] == table),)]  # type: ignore[misc]


def test_a_backfill_asks_for_its_window_and_builds(home: Home) -> None:
    window = Window.of_days(date(2025, 8, 1), date(2025, 8, 31))
    result = run_backfill(home.settings(), "coinmetrics__asset_metrics", window)
    assert [report.table for report in result.datasets] == ["coinmetrics__asset_metrics"]
    assert result.is_success
    assert result.new_row_count == 62
    assert result.build.status == "built"
    (first,) = home.ask("select min(day) from raw.coinmetrics__asset_metrics")
    assert first == (date(2025, 8, 1),)
    # The hole between the backfilled month and what was there is not asked for behind the operator's back.
    assert home.refresh().new_row_count == 0


def test_the_build_is_recorded_with_its_row_counts_and_checks(home: Home) -> None:
    with open_instance(home.settings()) as instance:
        for name in ("stress_indicators_daily", "stress_pillars_daily"):
            event = instance.get_latest_materialization_event(dg.AssetKey(["marts", name]))
            assert event is not None
            assert event.asset_materialization is not None
            (expected,) = home.ask(f"select count(*) from marts.{name}")
            assert event.asset_materialization.metadata["dagster/row_count"].value == expected[0]
        assert instance.get_latest_materialization_event(dg.AssetKey(["publish"])) is not None
        (build,) = [run for run in instance.get_runs() if run.job_name == "build"]
        checks = instance.all_logs(build.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        assert len(checks) > 20


def test_a_note_of_the_build_says_what_readers_have(home: Home) -> None:
    note = json.loads((home.settings().market_home / "build.json").read_text())
    assert note["is_published"] is True
    assert home.ask("select code_version from ops.builds") == [(note["built_by"],)]
    now = home.ask("select now_at from ops.market")
    assert now == [(datetime.fromisoformat(days.NOW).astimezone(timezone.utc),)]
