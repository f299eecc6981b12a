"""dbt, run inside this process, as Dagster assets and asset checks.

The manifest is parsed when it is needed and kept in the market home under a hash of the project, so the project itself
may lie in a read-only installation.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from google.protobuf.json_format import MessageToDict

from orchestration import prints
from orchestration.build_state import Build, BuildState, fingerprint, project_hash
from orchestration.landing import POOL, Workspace
from orchestration.progress import Observer
from orchestration.warehouse import Warehouse
from sources.dataset import Dataset

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

    from orchestration.settings import Settings

PUBLISHED_LAYERS = ("marts", "meta", "quality")
"""Folders of models that readers get to see."""

_LAYERS = ("staging", "intermediate", *PUBLISHED_LAYERS)
_RESULTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})
# Unit tests of formulas and key tests that hold by construction say nothing about today's data: the suite has them.
_LEFT_TO_THE_SUITE = "resource_type:unit_test tag:structural"
SCORECARD, SCORECARD_STEP = "scorecard", "dbt_scorecard"
"""Tag of models that resample for minutes. They have a job of their own; other builds leave them as they were."""
_SCORECARD = f"tag:{SCORECARD}"
_REBUILT = "config.materialized:table config.materialized:incremental resource_type:test"
_BROKEN = frozenset({"error", "fail", "runtime error"})
_QUIET = ("--quiet", "--log-level", "none", "--log-level-file", "none", "--no-version-check", "--no-use-colors")


class BuildFailed(Exception):
    """dbt could not parse or run the project. The message names what and why."""


class Translator(DagsterDbtTranslator):
    """Names dbt's nodes as the rest of the house does.

    Sources are the raw assets, models stand under their layer, seeds under `seeds`. Marts are grouped by the folder of
    their subject, staging models by the subject of the dataset they read, the rest by layer.

    Args:
        datasets: by table name, for the subjects of staging models.
    """

    def __init__(self, datasets: Mapping[str, Dataset]) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False))
        self._datasets = datasets

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        props = dbt_resource_props
        if props["resource_type"] == "source":
            return dg.AssetKey([props["source_name"], props["name"]])
        if props["resource_type"] == "seed":
            return dg.AssetKey(["seeds", props["name"]])
        return dg.AssetKey([_layer(props), props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        props = dbt_resource_props
        if props["resource_type"] == "source":
            return None
        if props["resource_type"] == "seed":
            return "seeds"
        layer = _layer(props)
        if layer == "marts" and len(props["fqn"]) > 3:
            return str(props["fqn"][2])
        if layer == "staging":
            read = [node.rpartition(".")[2] for node in props["depends_on"]["nodes"] if node.startswith("source.")]
            subjects = {self._datasets[table].subject for table in read if table in self._datasets}
            if len(subjects) == 1:
                return subjects.pop()
        return layer


def manifest(settings: "Settings") -> Mapping[str, Any]:
    """The parsed dbt project.

    Raises:
        BuildFailed: it does not parse.
    """
    return _manifest(settings, project_hash(settings))


@lru_cache(maxsize=4)
def _manifest(settings: "Settings", version: str) -> Mapping[str, Any]:
    kept = settings.target_path / f"manifest-{version}.json"
    if not kept.is_file():
        settings.target_path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.target_path, prefix="parse-") as folder:
            result = _invoke(settings, ["parse"], Path(folder))
            if not result.success:
                raise BuildFailed(f"the dbt project does not parse: {_reason(result)}")
            for old in settings.target_path.glob("manifest-*.json"):
                old.unlink(missing_ok=True)
            os.replace(Path(folder) / "manifest.json", kept)
    parsed: dict[str, Any] = json.loads(kept.read_bytes())
    return parsed


def compiled_manifest(settings: "Settings", variables: Mapping[str, str]) -> Mapping[str, Any]:
    """The project with the SQL of every model as a full refresh would run it. Touches no warehouse.

    Args:
        settings: whose project.
        variables: values for variables of the project.

    Raises:
        BuildFailed: it does not compile.
    """
    with tempfile.TemporaryDirectory(prefix="undertow-compile-") as folder:
        # The SQL follows from the project alone; an empty file keeps the warehouse's readers and writers out of it.
        elsewhere = settings.model_copy(update={"home": Path(folder)})
        elsewhere.market_home.mkdir(parents=True)
        arguments = ["compile", "--full-refresh", "--vars", json.dumps(dict(variables))]
        result = _invoke(elsewhere, arguments, Path(folder))
        if not result.success:
            raise BuildFailed(f"the dbt project does not compile: {_reason(result)}")
        manifest: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_bytes())
    return manifest


def published_keys(parsed: Mapping[str, Any]) -> list[dg.AssetKey]:
    """Assets that readers get to see and every build makes; what is published depends on them."""
    return [
        dg.AssetKey([_layer(node), node["name"]])
        for node in parsed["nodes"].values()
        if node["resource_type"] == "model" and _layer(node) in PUBLISHED_LAYERS and not _is_standing(node)
    ]


def is_apart(node: Mapping[str, Any]) -> bool:
    """Whether a node is made by the job of the scorecards and by no other."""
    return SCORECARD in node["config"]["tags"]


def _is_standing(node: Mapping[str, Any]) -> bool:
    """Whether a model or seed stays as it is until the project changes."""
    return node["resource_type"] == "seed" or str(node["config"]["materialized"]) == "view"


def _standing(parsed: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Schema and name of every view and seed."""
    return {
        (node["schema"], node["alias"])
        for node in parsed["nodes"].values()
        if node["resource_type"] in ("model", "seed") and _is_standing(node) and not is_apart(node)
    }


def build_dbt_assets(settings: "Settings", datasets: Mapping[str, Dataset]) -> dg.AssetsDefinition:
    """All models and seeds as assets and all data tests as asset checks of one step.

    Views and seeds say nothing about today's data. While the project stays the same they stand as they are, and only
    tables are built and tested; when it changes, and after a build that did not come to its end, everything is made,
    incremental models from scratch.
    """
    parsed = manifest(settings)
    translator = Translator(datasets)

    @dbt_assets(
        manifest=parsed,
        dagster_dbt_translator=translator,
        name="dbt",
        exclude=f"{_LEFT_TO_THE_SUITE} {_SCORECARD}",
        required_resource_keys={"workspace"},
        pool=POOL,
    )
    def dbt(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        workspace: Workspace = context.resources.workspace
        project = project_hash(workspace.settings)
        messages: list[DbtCoreCliEventMessage] = []
        with workspace.warehouse.writer("dbt build"):
            state = BuildState(workspace.settings)
            now = fingerprint(workspace.warehouse, workspace.market, project)
            if not config.force and not context.is_subset and state.is_published(now):
                workspace.journal.build = Build("unchanged")
                workspace.observer.build_finished("unchanged", 0.0)
                context.log.info("nothing has changed since what readers have was built")
                return
            is_standing = (
                not config.force
                and state.built_by() == project
                and _standing(parsed) <= set(relations(workspace.warehouse))
            )
            select = _REBUILT if is_standing else "fqn:*"
            selection = _selection(context, parsed, translator, select, f"{_LEFT_TO_THE_SUITE} {_SCORECARD}")
            if not is_standing:
                selection = [*selection, "--full-refresh"]
            state.forget()
            archive = workspace.settings.archive_path
            prints.restore(archive, workspace.warehouse)
            workspace.warehouse.note_build(context.run.run_id, project, workspace.market.now())
            build = run_build(workspace.settings, selection, workspace.observer, messages.append)
            counts = relations(workspace.warehouse)
            if build.status == "built" and not context.is_subset:
                # What failed its checks was never shown to anybody, so it is no print.
                for day in prints.record(archive, workspace.warehouse):
                    context.log.info(f"first print of {day}")
                state.note_built(now, project)
        workspace.journal.build = build
        yield from _reported(context, parsed, translator, build, messages, counts)

    return dbt


def build_scorecard_assets(settings: "Settings", datasets: Mapping[str, Dataset]) -> dg.AssetsDefinition:
    """The scorecards and what only they need, as assets and checks of one step.

    They read the marts as the last build left them, so that build has to have come to its end.
    """
    parsed = manifest(settings)
    translator = Translator(datasets)

    @dbt_assets(
        manifest=parsed,
        dagster_dbt_translator=translator,
        name=SCORECARD_STEP,
        select=_SCORECARD,
        exclude=_LEFT_TO_THE_SUITE,
        required_resource_keys={"workspace"},
        pool=POOL,
    )
    def scorecard(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workspace: Workspace = context.resources.workspace
        messages: list[DbtCoreCliEventMessage] = []
        with workspace.warehouse.writer("dbt build of the scorecards"):
            if not BuildState(workspace.settings).is_whole():
                raise dg.Failure(description="the marts are not whole: build them first", allow_retries=False)
            selection = _selection(context, parsed, translator, _SCORECARD, _LEFT_TO_THE_SUITE)
            build = run_build(workspace.settings, selection, workspace.observer, messages.append)
            counts = relations(workspace.warehouse)
        workspace.journal.build = build
        yield from _reported(context, parsed, translator, build, messages, counts)

    return scorecard


def _selection(
    context: dg.AssetExecutionContext,
    parsed: Mapping[str, Any],
    translator: Translator,
    select: str,
    exclude: str,
) -> list[str]:
    """dbt's selection arguments for what of a step a run asks for."""
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=parsed,
        select=select,
        exclude=exclude,
        selector="",
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    return [*selection, *(() if indirect is None else ("--indirect-selection", indirect))]


def _reported(
    context: dg.AssetExecutionContext,
    parsed: Mapping[str, Any],
    translator: Translator,
    build: Build,
    messages: Sequence[DbtCoreCliEventMessage],
    counts: Mapping[tuple[str, str], int | None],
) -> Iterator[Any]:
    """What a build made, as Dagster's events; a failed build fails the step after them."""
    for message in messages:
        for event in message.to_default_asset_events(parsed, translator, context):
            yield _with_row_count(event, parsed, counts)
    if build.status == "failed":
        raise dg.Failure(description="\n".join(build.problems[:20]), allow_retries=False)


class BuildConfig(dg.Config):
    """How to build.

    Args:
        force: build even if nothing has changed since what readers have was built.
    """

    # Dagster reads this annotation at run time, hence no postponed annotations in this module.
    force: bool = False


def relations(warehouse: Warehouse) -> Mapping[tuple[str, str], int | None]:
    """(schema, name) -> rows as the catalogue has them, None for views: nothing is read."""
    with warehouse.connect("looking at the catalogue") as connection:
        rows = connection.execute(
            """
            select schema_name, table_name, estimated_size
            from duckdb_tables()
            where database_name = current_database()
            union all
            select schema_name, view_name, null
            from duckdb_views()
            where database_name = current_database() and not internal
            """
        ).fetchall()
    return {(schema, name): size for schema, name, size in rows}


def run_build(
    settings: "Settings",
    selection: Sequence[str],
    observer: Observer,
    on_result: Callable[[DbtCoreCliEventMessage], None] = lambda _: None,
) -> Build:
    """Run `dbt build` in this process. The caller holds the writer lock.

    Args:
        settings: which warehouse.
        selection: dbt's node selection arguments.
        observer: is told of every node.
        on_result: gets dbt's event for every model, seed and test that ran.
    """
    started = time.perf_counter()
    node_count = done_count = 0

    def listen(event: "EventMsg") -> None:
        nonlocal node_count, done_count
        name = event.info.name
        if name == "LogStartLine" and not node_count:
            node_count = event.data.total
            observer.build_started(node_count)
        elif name in _RESULTS:
            done_count += 1
            observer.node_finished(event.data.node_info.node_name, done_count, node_count, event.data.status)
            raw = MessageToDict(event, preserving_proto_field_name=True)
            on_result(DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={}))

    arguments = ["build", *selection, "--exclude-resource-type", "unit_test", "--no-write-json"]
    result = _invoke(settings, arguments, settings.target_path, listen)
    seconds = time.perf_counter() - started
    problems = tuple(_problems(result))
    if not result.success and not problems:
        problems = (f"dbt: {_reason(result)}",)
    build = Build("built" if result.success else "failed", seconds, done_count, problems)
    observer.build_finished(build.status, seconds)
    return build


def run_full_build(settings: "Settings", observer: Observer) -> Build:
    """Build and test everything from scratch, as a build does after the project has changed. See `run_build`."""
    selection = ["--select", "fqn:*", "--exclude", *_LEFT_TO_THE_SUITE.split(), _SCORECARD, "--full-refresh"]
    return run_build(settings, selection, observer)


def _invoke(
    settings: "Settings",
    arguments: Sequence[str],
    target: Path,
    listen: Callable[["EventMsg"], None] = lambda _: None,
) -> "dbtRunnerResult":
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    project = str(settings.dbt_project_path)
    where = [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        str(target),
        "--log-path",
        str(target),
    ]
    variables = {
        "UNDERTOW_WAREHOUSE": str(settings.warehouse_path),
        "UNDERTOW_THREADS": str(settings.threads),
        "UNDERTOW_MEMORY_LIMIT": settings.memory_limit,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with _environment(variables), _working_directory():
        try:
            return dbtRunner(callbacks=[listen]).invoke([*arguments, *where, *_QUIET])
        finally:
            # dbt keeps the file open after it returns, which would lock everybody else out.
            DuckDBConnectionManager.close_all_connections()


def _problems(result: "dbtRunnerResult") -> Iterator[str]:
    for one in getattr(result.result, "results", None) or ():
        if str(one.status) in _BROKEN:
            message = " ".join((one.message or "").split())
            yield f"{one.node.resource_type} {one.node.name}: {message[:400] or one.status}"


def _reason(result: "dbtRunnerResult") -> str:
    if result.exception is None:
        return "no reason given"
    return " ".join(str(result.exception).split())[:600]


def _with_row_count(event: Any, parsed: Mapping[str, Any], counts: Mapping[tuple[str, str], int | None]) -> Any:
    """Add a table's row count to its materialisation. Views have none: counting them would run them."""
    if not isinstance(event, dg.Output):
        return event
    node = parsed["nodes"][event.metadata["unique_id"].value]
    count = counts.get((node["schema"], node["alias"]))
    if count is None:
        return event
    metadata = {**event.metadata, "dagster/row_count": dg.MetadataValue.int(count)}
    return dg.Output(value=None, output_name=event.output_name, metadata=metadata)


def _layer(props: Mapping[str, Any]) -> str:
    """The folder of models that a model lies in: fqn is project, folders, name."""
    folder = str(props["fqn"][1])
    if folder not in _LAYERS:
        raise BuildFailed(f"model {props['name']} lies in models/{folder}; the layers are {', '.join(_LAYERS)}")
    return folder


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _working_directory() -> Iterator[None]:
    """dbt changes into its project; the rest of the process stays where it is."""
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)
