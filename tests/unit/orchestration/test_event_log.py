"""The event log remembers what the stock one would, and forgets when told to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration import automation
from orchestration.automation import open_instance
from orchestration.event_log import EventLog
from orchestration.settings import Settings

SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(check_specs=[dg.AssetCheckSpec("is_whole", asset="thing")])
def thing() -> Iterator[dg.MaterializeResult[None]]:
    yield dg.MaterializeResult(
        metadata={"size": 3}, check_results=[dg.AssetCheckResult(check_name="is_whole", passed=False)]
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(home=tmp_path, market="simulated")


def execute(instance: dg.DagsterInstance) -> str:
    job = dg.Definitions(assets=[thing], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    return job.execute_in_process(instance=instance, run_config=SILENT).run_id


def test_what_was_written_is_read_by_another_process(settings: Settings) -> None:
    with open_instance(settings) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        run_id = execute(instance)
    with open_instance(settings) as later:
        run = later.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.SUCCESS
        event = later.get_latest_materialization_event(dg.AssetKey("thing"))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["size"].value == 3
        (check,) = later.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        assert check.run_id == run_id


def test_the_stock_log_reads_the_same_files(settings: Settings) -> None:
    with open_instance(settings) as instance:
        run_id = execute(instance)
        expected = [entry.user_message for entry in instance.all_logs(run_id)]
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as stock:
        assert not isinstance(stock.event_log_storage, EventLog)
        assert [entry.user_message for entry in stock.all_logs(run_id)] == expected


def test_a_forgotten_run_leaves_no_file(settings: Settings) -> None:
    with open_instance(settings) as instance:
        run_id = execute(instance)
        assert list(settings.dagster_home.rglob(f"{run_id}*")) != []
        instance.delete_run(run_id)
        assert list(settings.dagster_home.rglob(f"{run_id}*")) == []
        assert execute(instance) != run_id


def test_more_runs_than_connections_are_kept_open(settings: Settings) -> None:
    with open_instance(settings) as instance:
        runs = [execute(instance) for _ in range(11)]
        assert all(instance.all_logs(run_id) for run_id in runs)


def test_the_oldest_runs_are_forgotten_and_the_newest_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_instance(settings) as instance:
        runs = [execute(instance) for _ in range(5)]
        automation._prune_runs(instance)
        assert set(instance.get_run_ids()) == set(runs)
        monkeypatch.setattr(automation, "_KEPT_RUNS", 2)
        automation._prune_runs(instance)
        assert instance.get_run_ids() == runs[:-3:-1]
