"""What Dagster loads, and what it does with it when it starts the runs itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from orchestration.automation import FREQUENCIES, build_definitions, open_instance
from orchestration.event_log import EventLog
from orchestration.landing import POOL
from orchestration.settings import Settings
from orchestration.transform import manifest
from sources.dataset import SUBJECTS
from sources.registry import DATASETS
from tests.integration import days
from tests.integration.conftest import ROOT, Home

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load(home=tmp_path_factory.mktemp("definitions"), market="simulated")


@pytest.fixture(scope="module")
def parsed(settings: Settings) -> Mapping[str, Any]:
    return manifest(settings)


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> Any:
    return definitions.resolve_asset_graph()


def run(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )


def test_definitions_load_with_an_empty_environment() -> None:
    code = "from orchestration.definitions import defs; print(len(defs.resolve_asset_graph().get_all_asset_keys()))"
    loaded = run("-W", "error::UserWarning:orchestration", "-c", code, environment={})
    assert loaded.returncode == 0, loaded.stderr
    assert int(loaded.stdout) > len(DATASETS)


def test_definitions_are_valid(settings: Settings) -> None:
    arguments = ("definitions", "validate", "-m", "orchestration.definitions")
    checked = run("-m", "dagster", *arguments, environment={**os.environ, **settings.environment()})
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_entry_point_is_short() -> None:
    lines = (ROOT / "orchestration" / "definitions.py").read_text().splitlines()
    assert len(lines) <= 30


def test_every_dataset_is_one_asset_with_one_name_end_to_end(graph: Any, parsed: Mapping[str, Any]) -> None:
    raw = {key for key in graph.get_all_asset_keys() if key.path[0] == "raw"}
    assert raw == {dg.AssetKey(["raw", table]) for table in DATASETS}
    sources = {node["name"] for node in parsed["sources"].values() if node["source_name"] == "raw"}
    assert sources == set(DATASETS)


def test_everything_that_writes_is_in_the_pool_of_one(definitions: dg.Definitions, graph: Any) -> None:
    # Alerts read what is published and write to whoever is told.
    for key in graph.materializable_asset_keys - {dg.AssetKey(["alerts"])}:
        assert graph.get(key).pools == {POOL}, key.to_user_string()
    assert "default_limit: 1" in (ROOT / "dagster.yaml").read_text()


def test_groups_are_subjects_and_layers(graph: Any) -> None:
    groups = {graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups <= {*SUBJECTS, "staging", "intermediate", "stress", "meta", "seeds", "published", "marts"} | {
        *("alerts", "claims", "events", "indicators", "outlook", "prints", "scorecards"),
        *("quality", "reconciled", "universe"),
    }
    for table, dataset in DATASETS.items():
        assert graph.get(dg.AssetKey(["raw", table])).group_name == dataset.subject


def test_every_asset_is_described(graph: Any) -> None:
    missing = [key.to_user_string() for key in graph.materializable_asset_keys if not graph.get(key).description]
    assert missing == []


def test_every_landing_has_freshness_and_checks(definitions: dg.Definitions, graph: Any) -> None:
    for table in DATASETS:
        key = dg.AssetKey(["raw", table])
        assert graph.get(key).freshness_policy is not None
        checks = {check.name for check in graph.get_check_keys_for_assets({key})}
        assert checks == {"is_fresh", "every_response_reads", "no_unknown_columns", "nothing_odd"}


def test_publishing_comes_after_every_mart(graph: Any, parsed: Mapping[str, Any]) -> None:
    shown = {
        dg.AssetKey([node["fqn"][1], node["name"]])
        for node in parsed["nodes"].values()
        if node["resource_type"] == "model"
        and node["fqn"][1] in ("marts", "meta", "quality")
        # Views stand as they are.
        and node["config"]["materialized"] != "view"
    }
    assert graph.get(dg.AssetKey(["publish"])).parent_keys == shown


def test_a_schedule_exists_for_every_frequency_and_is_off(definitions: dg.Definitions) -> None:
    for frequency in FREQUENCIES:
        schedule = definitions.resolve_schedule_def(f"{frequency}_schedule")
        assert schedule.job_name == frequency
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        expected = {d.cadence.cron for d in DATASETS.values() if d.cadence.frequency == frequency}
        assert set(schedule.cron_schedule) == expected


def test_a_tick_asks_for_the_datasets_that_are_due_and_all_that_follows(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    schedule = definitions.resolve_schedule_def("daily_schedule")
    with dg.build_schedule_context(
        scheduled_execution_time=days.at("2025-11-05T08:15:00"), repository_def=repository
    ) as context:
        request = schedule(context)
    selected = {key.to_user_string() for key in request.asset_selection}
    assert {name for name in selected if name.startswith("raw/")} == {"raw/coinmetrics__asset_metrics"}
    assert {"publish", "marts/stress_index_daily"} <= selected
    job = definitions.resolve_job_def("daily")
    assert set(request.asset_selection) <= set(job.asset_layer.executable_asset_keys)


def test_every_dataset_can_be_backfilled_by_months(definitions: dg.Definitions) -> None:
    for table, dataset in DATASETS.items():
        job = definitions.resolve_job_def(f"backfill_{table}")
        assert job.partitions_def is not None
        assert job.partitions_def.get_first_partition_key() == dataset.starts_on.replace(day=1).isoformat()


def test_a_month_is_backfilled_by_a_run_of_its_partition(home: Home) -> None:
    settings = home.settings()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in settings.environment().items():
            patched.setenv(name, value)
        job = build_definitions(settings).resolve_job_def("backfill_fred__daily_series")
        with open_instance(settings) as instance:
            assert job.execute_in_process(partition_key="2025-08-01", instance=instance).success
    (found,) = home.ask("select min(observed_on), count(*) > 0 from raw.fred__daily_series")
    assert str(found[0]) == "2025-08-01"


def test_a_run_that_dagster_starts_goes_on_without_the_provider_that_is_dead(home: Home) -> None:
    environment = {
        **os.environ,
        **home.settings(days.NEXT, ("dead:fred",)).environment(),
        "DAGSTER_HOME": str(home.settings().dagster_home),
    }
    arguments = ("job", "execute", "-m", "orchestration.definitions", "-j", "weekly")
    ended = run("-m", "dagster", *arguments, environment=environment)
    assert ended.returncode != 0
    with open_instance(home.settings()) as instance:
        (record,) = instance.get_runs(limit=1)
        assert record.status is dg.DagsterRunStatus.FAILURE
        steps = {
            (stats.step_key, stats.status.value)
            for stats in instance.get_run_step_stats(record.run_id)
            if not stats.step_key.startswith("raw__") or stats.status.value != "SUCCESS"
        }
        assert steps == {
            ("raw__fred__weekly_series", "FAILURE"),
            ("dbt", "SUCCESS"),
            ("publish", "SUCCESS"),
            ("alerts", "SUCCESS"),
        }
    assert home.ask("select now_at::varchar from meta.about") == [("2025-11-06 01:00:00+00",)]


def test_the_home_has_the_instance_settings_of_the_project_and_its_own_event_log(home: Home) -> None:
    with open_instance(home.settings()) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.global_op_concurrency_default_limit == 1
        assert instance.get_run_ids() != []
    assert (home.settings().dagster_home / "history" / "runs" / "index.db").is_file()
