"""When work happens: jobs, schedules, backfills, and the same work started from the command line.

Cadence lives in the descriptors. A schedule exists per frequency; at each of its ticks it asks for the datasets whose
own cron says so, and dbt and publishing follow in the same run. Everything that writes the warehouse is in a pool of
one; a run executes its steps in its own process, one after the other.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml
from dagster._utils.schedules import get_latest_completed_cron_tick

from orchestration.build_state import Build, BuildState, fingerprint, project_hash
from orchestration.landing import (
    POOL,
    DatasetReport,
    Journal,
    Workspace,
    landing_asset,
    open_workspace,
    workspace_resource,
)
from orchestration.progress import Observer
from orchestration.settings import Settings, unavailable
from orchestration.warehouse import Progress
from sources.dataset import Dataset, Window

if TYPE_CHECKING:
    from orchestration.publishing.snapshot import PublishResult

FREQUENCIES = ("hourly", "daily", "weekly")
DBT_STEP, PUBLISH_STEP, ALERTS_STEP, SCORECARD_JOB = "dbt", "publish", "alerts", "scorecard"

EXECUTOR = dg.in_process_executor.configured(
    # A landing that fails has reported its rows before: dbt goes on with what there is.
    {"step_dependency_config": {"require_upstream_step_success": False}}
)

_KEPT_RUNS = 500
_HOST_TAG, _PID_TAG = "undertow/host", "undertow/pid"
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class UnknownDataset(ValueError):
    """A dataset or provider that nobody has heard of. The message lists what there is."""


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh or backfill did, and where its time went.

    Args:
        run_id: the Dagster run.
        datasets: one report per dataset, in the order in which they were asked for.
        build: what dbt did.
        publication: what was published; None if nothing was.
        not_published_because: why not, if so.
        alerts_failed_because: why alerts did not get to whoever is to be told, if so.
        seconds: wall time of it all, including loading definitions.
        fetch_seconds, parse_seconds, land_seconds, dbt_seconds, publish_seconds: the parts of it that are work.
    """

    run_id: str
    datasets: tuple[DatasetReport, ...]
    build: Build
    publication: "PublishResult | None"
    not_published_because: str | None
    seconds: float
    publish_seconds: float
    alerts_failed_because: str | None = None
    fetch_seconds: float = field(init=False)
    parse_seconds: float = field(init=False)
    land_seconds: float = field(init=False)
    dbt_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        for part in ("fetch_seconds", "parse_seconds", "land_seconds"):
            object.__setattr__(self, part, sum(getattr(report, part) for report in self.datasets))
        object.__setattr__(self, "dbt_seconds", self.build.seconds)

    @property
    def is_success(self) -> bool:
        """Whether every dataset came completely, the marts are whole and whoever is to be told was."""
        is_whole = self.build.status != "failed" and self.alerts_failed_because is None
        return is_whole and not any(report.errors for report in self.datasets)

    @property
    def new_row_count(self) -> int:
        return sum(report.new_row_count for report in self.datasets)

    @property
    def changed_row_count(self) -> int:
        return sum(report.changed_row_count for report in self.datasets)


def build_definitions(
    settings: Settings | None = None,
    datasets: Mapping[str, Dataset] | None = None,
    workspace: Workspace | None = None,
) -> dg.Definitions:
    """Everything Dagster needs to know.

    Args:
        settings: where the parsed dbt project is kept; from the environment if not given.
        datasets: by table name; the registry if not given.
        workspace: what runs work with; opened by each run if not given.
    """
    from orchestration.transform import build_dbt_assets, build_scorecard_assets

    datasets = _registry() if datasets is None else datasets
    settings = settings or Settings.load()
    landing = [landing_asset(dataset) for dataset in datasets.values()]
    dbt = build_dbt_assets(settings, datasets)
    scorecard = build_scorecard_assets(settings, datasets)
    resource = workspace_resource if workspace is None else dg.ResourceDefinition.hardcoded_resource(workspace)
    return dg.Definitions(
        assets=[*landing, dbt, scorecard, publish_asset(settings), alerts_asset()],
        jobs=[
            *(frequency_job(frequency, datasets.values()) for frequency in FREQUENCIES),
            dg.define_asset_job(
                "refresh",
                selection=dg.AssetSelection.key_prefixes(["raw"]) | _everything_after_landing(),
                description="Land every dataset, build the marts, publish them.",
                executor_def=EXECUTOR,
            ),
            dg.define_asset_job(
                "build",
                selection=_everything_after_landing(),
                description="Build the marts from the rows there are and publish them, for instance after a backfill.",
                executor_def=EXECUTOR,
            ),
            dg.define_asset_job(
                SCORECARD_JOB,
                selection=_scorecards() | dg.AssetSelection.assets(PUBLISH_STEP),
                description="Evaluate the index and the rules on what the last build left, and publish it.",
                executor_def=dg.in_process_executor,
            ),
            *(backfill_job(dataset) for dataset in datasets.values() if dataset.retired is None),
        ],
        schedules=[frequency_schedule(frequency, datasets.values()) for frequency in FREQUENCIES],
        resources={"workspace": resource},
        executor=EXECUTOR,
    )


def publish_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset that gives the marts to readers, if they are whole."""
    from orchestration.transform import manifest, published_keys

    @dg.asset(
        name=PUBLISH_STEP,
        group_name="published",
        description=(
            "The database that people and BI tools open: marts and meta, swapped in atomically after every check has "
            "passed. Readers never see the warehouse."
        ),
        deps=published_keys(manifest(settings)),
        kinds={"duckdb", "parquet"},
        pool=POOL,
        output_required=False,
        required_resource_keys={"workspace"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    )
    def publish(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.publishing.snapshot import publish as publish_snapshot

        workspace: Workspace = context.resources.workspace
        started = time.perf_counter()
        with workspace.warehouse.writer("publishing"):
            state = BuildState(workspace.settings)
            if not state.is_whole():
                reason = "the last build did not pass its checks; readers keep what they have"
                workspace.observer.not_published(reason)
                context.log.warning(f"not published: {reason}")
                return
            result = publish_snapshot(workspace.settings)
            state.note_published()
        workspace.journal.publication = result
        workspace.journal.publish_seconds = time.perf_counter() - started
        workspace.observer.published(result.path, result.table_count, result.row_count)
        yield dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(result.path)),
                "version": result.version,
                "tables": result.table_count,
                "dagster/row_count": result.row_count,
                "bytes": result.byte_count,
                "marts are new": result.is_new,
            }
        )

    return publish


def alerts_asset() -> dg.AssetsDefinition:
    """The asset that tells whoever is configured what is new among the published alerts."""

    @dg.asset(
        name=ALERTS_STEP,
        group_name="published",
        description="Delivers what is open and new in marts.fct_alerts to webhook, mail and file, each alert once.",
        deps=[dg.AssetKey([PUBLISH_STEP])],
        output_required=False,
        required_resource_keys={"workspace"},
    )
    def alerts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        from orchestration.alerting import AlertSettings, deliver

        workspace: Workspace = context.resources.workspace
        alert_settings = AlertSettings.load()
        if not alert_settings.sinks():
            context.log.info("no sink is configured: nobody is told; `undertow alerts --help` says how")
            return
        delivery = deliver(workspace.settings, alert_settings, now=workspace.market.now())
        yield dg.MaterializeResult(
            metadata={
                "sinks": ", ".join(delivery.sink_names),
                "delivered": len(delivery.sent),
                "open": delivery.open_count,
                "told": dg.MetadataValue.md(
                    "\n".join(f"- {alert.headline}" for alert, _ in delivery.sent) or "nothing"
                ),
            }
        )
        if delivery.problems:
            said = "; ".join(delivery.problems)
            raise dg.Failure(description=f"{delivery.waiting} alerts wait: {said}", allow_retries=False)

    return alerts


def frequency_job(frequency: str, datasets: Collection[Dataset]) -> Any:
    """The job that lands the datasets of one frequency, builds and publishes."""
    names = [dataset.table for dataset in datasets if dataset.cadence.frequency == frequency]
    return dg.define_asset_job(
        frequency,
        selection=dg.AssetSelection.assets(*(["raw", name] for name in names)) | _everything_after_landing(),
        description=f"Land the {frequency} datasets, build the marts, publish them.",
        executor_def=EXECUTOR,
    )


def frequency_schedule(frequency: str, datasets: Collection[Dataset]) -> dg.ScheduleDefinition:
    """The schedule that asks for each dataset of a frequency when its own cron says so. Off until switched on."""
    chosen = [dataset for dataset in datasets if dataset.cadence.frequency == frequency and dataset.retired is None]
    crons = sorted({dataset.cadence.cron for dataset in chosen})

    @dg.schedule(
        name=f"{frequency}_schedule",
        job_name=frequency,
        cron_schedule=crons,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for each {frequency} dataset when its descriptor says so: {', '.join(crons)} (UTC).",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        due = datasets_due(chosen, context.scheduled_execution_time)
        definitions = context.repository_def
        assert definitions is not None, "a schedule that is evaluated belongs to a repository"
        after = _everything_after_landing().resolve(definitions.asset_graph)
        return dg.RunRequest(
            run_key=f"{frequency} {context.scheduled_execution_time:%Y-%m-%dT%H:%M}",
            asset_selection=[*(dg.AssetKey(["raw", dataset.table]) for dataset in due), *sorted(after)],
        )

    return tick


def datasets_due(datasets: Collection[Dataset], moment: datetime) -> list[Dataset]:
    """The datasets whose cron fires at a minute (UTC)."""
    return [
        dataset
        for dataset in datasets
        if moment - get_latest_completed_cron_tick(dataset.cadence.cron, moment, "UTC") < timedelta(minutes=1)
    ]


def backfill_job(dataset: Dataset) -> Any:
    """The job that asks for one month of a dataset again; partitioned, so that the UI can backfill any range.

    The next build picks the rows up: a backfill of a hundred months is a hundred landings and one build.
    """
    months = dg.MonthlyPartitionsDefinition(start_date=dataset.starts_on.replace(day=1).isoformat(), end_offset=1)

    def window(partition_key: str) -> dict[str, Any]:
        start, end = months.time_window_for_partition_key(partition_key)
        config = {"since": start.isoformat(), "until": end.isoformat()}
        return {"ops": {f"raw__{dataset.table}": {"config": config}}}

    return dg.define_asset_job(
        f"backfill_{dataset.table}",
        selection=dg.AssetSelection.assets(["raw", dataset.table]),
        config=dg.PartitionedConfig(months, run_config_for_partition_key_fn=window),
        description=f"Ask for a month of {dataset.table} again and land what is new or restated.",
        executor_def=EXECUTOR,
    )


def run_refresh(
    settings: Settings,
    *,
    since: datetime | None = None,
    only: Sequence[str] | None = None,
    again: bool = False,
    force: bool = False,
    observer: Observer | None = None,
    datasets: Mapping[str, Dataset] | None = None,
) -> RefreshResult:
    """Land, build and publish in this process, as a run of the market's own Dagster instance.

    Datasets whose cron has not fired since they last came completely are not asked for, unless they are named.

    Args:
        settings: which market, where.
        since: ask for everything from here on, whether it was asked for before or not.
        only: tables, datasets as `provider.name`, or providers; whatever is due if not given.
        again: ask also for what is not due.
        force: build and publish even if nothing is new.
        observer: is told how it goes.
        datasets: by table name; the registry if not given.

    Returns:
        What was done. Failures of providers, dbt or publishing are in it; they are not raised.

    Raises:
        UnknownDataset: `only` names something that does not exist.
        sources.market.UnknownMarket: the recording does not exist.
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
        orchestration.transform.BuildFailed: the dbt project does not parse.
    """
    datasets = _registry() if datasets is None else datasets
    only_due = not (only or since or again)
    return _run(settings, _chosen(only, datasets), since, None, force, observer, datasets, only_due=only_due)


def run_backfill(
    settings: Settings,
    table_name: str,
    window: Window,
    *,
    observer: Observer | None = None,
    datasets: Mapping[str, Dataset] | None = None,
) -> RefreshResult:
    """Ask for a window of one dataset again, then build and publish; otherwise like `run_refresh`."""
    datasets = _registry() if datasets is None else datasets
    return _run(settings, _chosen([table_name], datasets), window.start, window.end, False, observer, datasets)


def run_scorecard(settings: Settings, *, observer: Observer | None = None) -> RefreshResult:
    """Evaluate the index and the rules on what the last build left, and publish it; otherwise like `run_refresh`."""
    from orchestration.transform import SCORECARD_STEP

    started = time.perf_counter()
    observer = observer or Observer()
    datasets = _registry()
    with (
        _rare_collections(),
        open_workspace(settings, datasets.values(), observer) as workspace,
        open_instance(settings) as instance,
    ):
        _bury_dead_runs(instance)
        definitions = build_definitions(settings, datasets, workspace)
        run_id, failures = _execute(definitions.resolve_job_def(SCORECARD_JOB), {}, instance)
        _prune_runs(instance)
    if SCORECARD_STEP in failures and workspace.journal.build is None:
        workspace.journal.build = Build("failed", problems=(failures[SCORECARD_STEP],))
    return _result(run_id, (), workspace.journal, failures, time.perf_counter() - started)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of a market, which remembers its runs."""
    home = prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def prepare_dagster_home(settings: Settings) -> Path:
    """The market's Dagster home, with its settings: those of the project, and where the event log lies."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    event_log = {
        "event_log_storage": {
            "module": "orchestration.event_log",
            "class": "EventLog",
            "config": {"base_dir": str(home / "history" / "runs")},
        }
    }
    wanted = f"{settings.dagster_yaml_path.read_text('utf-8')}\n{yaml.safe_dump(event_log)}"
    path = home / "dagster.yaml"
    if not path.is_file() or path.read_text("utf-8") != wanted:
        path.write_text(wanted, "utf-8")
    return home


def _run(
    settings: Settings,
    tables: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    force: bool,
    observer: Observer | None,
    datasets: Mapping[str, Dataset],
    *,
    only_due: bool = False,
) -> RefreshResult:
    """Land in one run, then build and publish in another, which is only started if there is news.

    Dagster writes down every asset and check that a run is going to touch. For a refresh without news that would take
    longer than the refresh.
    """
    started = time.perf_counter()
    observer = observer or Observer()
    with (
        _rare_collections(),
        open_workspace(settings, datasets.values(), observer) as workspace,
        open_instance(settings) as instance,
    ):
        _bury_dead_runs(instance)
        window = {
            name: moment.astimezone(timezone.utc).isoformat()
            for name, moment in (("since", since), ("until", until))
            if moment is not None
        }
        asked = [table for table in tables if _is_asked(workspace, datasets[table], only_due=only_due)]
        run_id, failures = "", dict[str, str]()
        if asked:
            landing = dg.Definitions(
                assets=[landing_asset(datasets[table]) for table in asked],
                jobs=[dg.define_asset_job("landing")],
                resources={"workspace": dg.ResourceDefinition.hardcoded_resource(workspace)},
            )
            run_id, failures = _execute(
                landing.resolve_job_def("landing"), {f"raw__{table}": {"config": window} for table in asked}, instance
            )
        with workspace.warehouse.writer("looking for news"):
            now = fingerprint(workspace.warehouse, workspace.market, project_hash(settings))
            has_news = force or not BuildState(settings).is_published(now)
        if has_news:
            definitions = build_definitions(settings, datasets, workspace)
            _, more = _execute(definitions.resolve_job_def("build"), {DBT_STEP: {"config": {"force": force}}}, instance)
            failures.update(more)
        else:
            workspace.journal.build = Build("unchanged")
            observer.build_finished("unchanged", 0.0)
        _prune_runs(instance)
    return _result(run_id, tables, workspace.journal, failures, time.perf_counter() - started)


def _is_asked(workspace: Workspace, dataset: Dataset, *, only_due: bool) -> bool:
    """Whether a dataset takes part in a refresh; one that does not is reported right away."""
    if unavailable(dataset, workspace.market) is None:
        progress = workspace.warehouse.progress(dataset)
        if not only_due or is_due(dataset, progress, workspace.market.now()):
            return True
        status = "current"
    else:
        status = "skipped"
    workspace.journal.reports[dataset.table] = DatasetReport(dataset.table, status)
    return False


def is_due(dataset: Dataset, progress: Progress, moment: datetime) -> bool:
    """Whether a dataset's cron has fired since it last came completely, or something of it has never come."""
    if not progress.covered or progress.asked != progress.covered:
        return True
    tick: datetime = get_latest_completed_cron_tick(dataset.cadence.cron, moment, "UTC")
    return progress.covered[-1].end < tick


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for cyclic garbage less often.

    dbt and Dagster make some million small objects that live to the end; looking through them again and again takes
    about a sixth of a refresh.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _execute(
    job: dg.JobDefinition, op_config: Mapping[str, Any], instance: dg.DagsterInstance
) -> tuple[str, dict[str, str]]:
    """Execute a job in this process; return the run and why each failed step failed."""
    # Without any handler Python would print warnings that the event log has anyway.
    logging.getLogger("dagster").addHandler(logging.NullHandler())
    result = job.execute_in_process(
        run_config={"ops": op_config, **_SILENT},
        instance=instance,
        tags={_HOST_TAG: socket.gethostname(), _PID_TAG: str(os.getpid())},
        raise_on_error=False,
    )
    failures: dict[str, str] = {}
    for event in result.all_events:
        if event.is_step_failure and event.step_key is not None:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            failures[event.step_key] = "no reason given" if error is None else _first_line(error.message)
        elif event.is_run_failure and not failures:
            failures[""] = _first_line(event.message or "the run failed")
    return result.run_id, failures


def _result(
    run_id: str, tables: Sequence[str], journal: Journal, failures: Mapping[str, str], seconds: float
) -> RefreshResult:
    reports = []
    for table in tables:
        report = journal.reports.get(table)
        if report is None:
            error = failures.get(f"raw__{table}") or failures.get("") or "the run ended before its turn"
            report = DatasetReport(table, status="failed", errors=[error])
        reports.append(report)
    build = journal.build
    if build is None:
        build = Build("failed", problems=(failures.get(DBT_STEP) or failures.get("") or "dbt did not run",))
    reason: str | None = None
    if journal.publication is None:
        if PUBLISH_STEP in failures:
            reason = failures[PUBLISH_STEP]
        elif build.status == "unchanged":
            reason = "nothing has changed since what readers have was built"
        else:
            reason = "the build did not pass its checks; readers keep what they have"
    return RefreshResult(
        run_id=run_id,
        datasets=tuple(reports),
        build=build,
        publication=journal.publication,
        not_published_because=reason,
        seconds=seconds,
        publish_seconds=journal.publish_seconds,
        alerts_failed_because=failures.get(ALERTS_STEP),
    )


def _registry() -> Mapping[str, Dataset]:
    from sources.registry import DATASETS

    return DATASETS


def _chosen(only: Sequence[str] | None, datasets: Mapping[str, Dataset]) -> list[str]:
    """Tables that `only` names, in registry order."""
    if not only:
        return list(datasets)
    names = {
        name: {dataset.table for dataset in datasets.values() if name in _names(dataset)}
        for name in dict.fromkeys(only)
    }
    if unknown := [name for name, tables in names.items() if not tables]:
        raise UnknownDataset(f"no dataset is called {', '.join(unknown)}; there are: {', '.join(datasets)}")
    return [table for table in datasets if any(table in tables for tables in names.values())]


def _names(dataset: Dataset) -> set[str]:
    return {dataset.table, dataset.provider.name, f"{dataset.provider.name}.{dataset.name}", dataset.name}


def _everything_after_landing() -> dg.AssetSelection:
    return dg.AssetSelection.all() - dg.AssetSelection.key_prefixes(["raw"]) - _scorecards()


def _scorecards() -> dg.AssetSelection:
    # dagster-dbt turns dbt's tags into tags without a value.
    return dg.AssetSelection.tag(SCORECARD_JOB, "")


def _bury_dead_runs(instance: dg.DagsterInstance) -> None:
    """Close the runs whose process was killed, so that nobody waits for them."""
    here = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING],
        tags={_HOST_TAG: socket.gethostname()},
    )
    for run in instance.get_runs(filters=here):
        if not _is_alive(int(run.tags[_PID_TAG])):
            instance.report_run_failed(run, "its process has ended; whatever it had archived is landed by the next run")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _prune_runs(instance: dg.DagsterInstance) -> None:
    """Forget the oldest runs: an hourly refresh would otherwise fill the disk within a year."""
    kept = instance.get_run_ids(limit=_KEPT_RUNS)
    if len(kept) < _KEPT_RUNS:
        return
    # A few at a time, so that no refresh pays for a long neglect.
    for run in instance.get_runs(cursor=kept[-1], limit=20):
        if run.is_finished:
            instance.delete_run(run.run_id)


def _first_line(message: str) -> str:
    line = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return line.partition(": ")[2] or line
