"""A warehouse made anew from the archive alone, and whether it is the same as the present one, table by table.

Everything that a provider answered is in the archive, with the instant at which it came, so landing it again gives the
same vintages, availabilities and notes. Nobody is asked: the line of the workspace raises whatever is wanted of it.

What leaves no response is carried over from the present warehouse, because no archive of responses can hold it:
attempts that nobody answered, the market's clock of the last refresh, and the diary of builds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration import prints
from orchestration.build_state import BuildState, fingerprint, project_hash
from orchestration.landing import Workspace, replay
from orchestration.progress import Observer
from orchestration.transform import is_apart, manifest, run_full_build
from orchestration.warehouse import OPS_TABLES, Warehouse, text_sql, writer_lock

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from sources.dataset import Dataset
    from sources.http import Transport
    from sources.market import Market

COMPARED = ("raw", "ops", "intermediate", "marts", "meta", "quality", "seeds")
"""Schemas whose tables are compared."""

# What landing and preparing make of archive and registry. First prints have a journal in the archive; the rest of
# `ops` is the house's own diary.
_FROM_ARCHIVE = frozenset({"market", "datasets", "landings", "retrievals", "restatements", "findings", "novelties"})


class CannotRebuild(Exception):
    """The warehouse cannot be rebuilt. The message is one line and says why."""


@dataclass(frozen=True)
class Content:
    """A table: how many rows, and a hash of all their values that does not depend on their order."""

    row_count: int
    digest: str


@dataclass
class Rebuilt:
    """What a rebuild gave.

    Args:
        path: the rebuilt warehouse.
        tables: schema.table -> content there.
        present: the same of the present warehouse; None if there was none.
        errors: what could not be read again, one line each.
        is_replaced: whether it stands in the place of the present one now.
    """

    path: Path
    tables: Mapping[str, Content]
    present: Mapping[str, Content] | None
    errors: list[str] = field(default_factory=list)
    is_replaced: bool = False

    @property
    def differing(self) -> list[str]:
        """Tables that are not the same, or are in one of the two only."""
        if self.present is None:
            return []
        names = sorted({*self.tables, *self.present})
        return [name for name in names if self.tables.get(name) != self.present.get(name)]


class _NoLine:
    """The line to the providers of a workspace that must not ask anybody."""

    def __getattr__(self, name: str) -> Any:
        raise CannotRebuild(f"a rebuild asks nobody, and something wanted the network ({name})")


def rebuild(
    settings: Settings,
    datasets: Mapping[str, Dataset],
    folder: Path,
    observer: Observer,
    *,
    is_replacing: bool = False,
) -> Rebuilt:
    """Land the archive into a fresh warehouse, build, and compare.

    Args:
        settings: whose archive, and whose present warehouse.
        datasets: by table name.
        folder: home of the rebuilt warehouse; holds none yet.
        observer: is told how it goes.
        is_replacing: whether the rebuilt warehouse takes the place of the present one, which is kept beside it.

    Raises:
        CannotRebuild: there is no archive, the folder holds a warehouse, the build fails, or the present warehouse was
            written to meanwhile and is to be replaced.
        orchestration.warehouse.WarehouseError: a warehouse cannot be used.
    """
    if not settings.archive_path.is_dir():
        raise CannotRebuild(f"there is no archive at {settings.archive_path}")
    fresh = settings.model_copy(update={"home": folder})
    if fresh.warehouse_path.exists():
        raise CannotRebuild(f"{fresh.warehouse_path} is there already; name an empty folder")
    market = settings.open_market()
    apart = frozenset(
        f"{node['schema']}.{node['alias']}"
        for node in manifest(settings)["nodes"].values()
        if node["resource_type"] in ("model", "seed") and is_apart(node)
    )
    present: dict[str, Content] | None = None
    landed: dict[str, int] | None = None
    diary = folder / "present.duckdb"
    folder.mkdir(parents=True, exist_ok=True)
    if settings.warehouse_path.is_file():
        # What is compared is the warehouse as it stands now; a refresh may go on meanwhile.
        with writer_lock(settings, "comparing it with its archive"), _reading(settings.warehouse_path) as connection:
            present, landed = contents(connection, apart), _landed(connection)
            market = _at(market, _clock(connection))
            _note_diary(connection, diary)
    warehouse = Warehouse(fresh, observer)
    warehouse.prepare(market, datasets.values())
    transport: Transport = _NoLine()  # type: ignore[assignment]
    workspace = Workspace(settings, market, transport, warehouse, observer)
    errors: list[str] = []
    for dataset in datasets.values():
        until = None if landed is None else landed.get(dataset.table, 0)
        observer.dataset_started(dataset.table, 1)
        report = replay(workspace, dataset, until)
        errors.extend(report.errors)
        rows = report.new_row_count + report.changed_row_count
        observer.dataset_finished(dataset.table, report.status, rows, report.seconds, report.error)
    if diary.exists():
        _carry_over(warehouse, diary)
    prints.restore(settings.archive_path, warehouse)
    with warehouse.writer("dbt build"), _as_at_the_last_build(warehouse, diary):
        build = run_full_build(fresh, observer)
    diary.unlink(missing_ok=True)
    if build.status != "built":
        raise CannotRebuild(f"the build of {fresh.warehouse_path} fails: {'; '.join(build.problems[:3])}")
    with _reading(fresh.warehouse_path) as connection:
        rebuilt = Rebuilt(fresh.warehouse_path, contents(connection, apart), present, errors)
    if is_replacing:
        _put_in_place(settings, fresh, landed, market)
        rebuilt.path, rebuilt.is_replaced = settings.warehouse_path, True
    return rebuilt


def contents(connection: duckdb.DuckDBPyConnection, apart: frozenset[str]) -> dict[str, Content]:
    """Content of every table of an attached warehouse, except those named.

    The scorecards are not compared: a job of their own makes them, from the marts as they were when it ran.
    """
    names = connection.execute(
        """
        select schema_name, table_name, list(column_name order by column_name)
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = 'house' and list_contains(?, schema_name)
        group by all
        order by all
        """,
        [list(COMPARED)],
    ).fetchall()
    found = {}
    for schema, table, columns in names:
        if f"{schema}.{table}" in apart:
            continue
        listed = ", ".join(f'"{column}"' for column in columns)
        row = connection.execute(
            f'select count(*), coalesce(sum(hash({listed})::hugeint), 0) from house."{schema}"."{table}"'
        ).fetchone()
        assert row is not None, "an aggregate always has a row"
        found[f"{schema}.{table}"] = Content(int(row[0]), f"{row[1]:x}")
    return found


@contextmanager
def _reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {text_sql(str(path))} as house (read_only)")
        yield connection


def _landed(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The last retrieval of each dataset that is in the warehouse."""
    return dict(
        connection.execute("select table_name, max(sequence) from house.ops.retrievals group by table_name").fetchall()
    )


def _clock(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    row = connection.execute("select now_at from house.ops.market").fetchone()
    return None if row is None else row[0].astimezone(timezone.utc)


def _at(market: Market, now: datetime | None) -> Market:
    """The market with its clock standing where the last refresh found it."""
    return market if now is None else replace(market, now=lambda: now)


def _note_diary(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put aside what no response tells."""
    connection.execute(f"attach {text_sql(str(path))} as diary")
    connection.execute(
        """
        create table diary.landings as
        select landings.*, row_number() over (order by landings.rowid) as position
        from house.ops.landings as landings
        anti join house.ops.retrievals as retrievals
            on landings.run_id = retrievals.run_id
            and landings.table_name = retrievals.table_name
            and landings.window_start = retrievals.window_start
            and landings.window_end = retrievals.window_end
        """
    )
    there = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'house' and schema_name = 'ops'"
        ).fetchall()
    }
    for name in sorted((set(OPS_TABLES) - _FROM_ARCHIVE - set(prints.PARTS)) & there):
        connection.execute(f'create table diary."{name}" as from house.ops."{name}"')
    # A refresh without news builds nothing: the marts know its landings and its clock from the next build on.
    built = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'house' and schema_name = 'meta' "
        "and table_name in ('landing_runs', 'about')"
    ).fetchone()
    if built == (2,):
        connection.execute("create schema diary.last_build")
        connection.execute("create table diary.last_build.about as select now_at from house.meta.about")
        connection.execute(
            """
            create table diary.last_build.landings as
            select distinct run_id, table_name, window_started_at as window_start, window_ended_at as window_end
            from house.meta.landing_runs
            """
        )
    connection.execute("detach diary")


def _carry_over(warehouse: Warehouse, diary: Path) -> None:
    with warehouse.connect("carrying over what no response tells") as connection:
        connection.execute(f"attach {text_sql(str(diary))} as diary (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'diary' and schema_name = 'main'"
        ).fetchall()
        for (name,) in names:
            columns = ", ".join(f'"{column}"' for column in OPS_TABLES[name][1])
            order = "order by position" if name == "landings" else ""
            connection.execute(f'insert into ops."{name}" ({columns}) select {columns} from diary."{name}" {order}')
        connection.execute("detach diary")


@contextmanager
def _as_at_the_last_build(warehouse: Warehouse, diary: Path) -> Iterator[None]:
    """Let a build see the clock and the landings that the present marts were built from; what came since returns."""
    if not diary.exists():
        yield
        return
    seen = """
        landings semi join diary.last_build.landings as seen
            on landings.run_id = seen.run_id and landings.table_name = seen.table_name
            and landings.window_start = seen.window_start and landings.window_end = seen.window_end
    """
    with warehouse.connect("going back to the last build") as connection:
        connection.execute(f"attach {text_sql(str(diary))} as diary")
        is_built = connection.execute(
            "select 1 from duckdb_tables() where database_name = 'diary' and schema_name = 'last_build'"
        ).fetchone()
        if is_built:
            connection.execute("create table diary.last_build.market as from ops.market")
            connection.execute(f"create table diary.last_build.known as select landings.* from ops.landings as {seen}")
            connection.execute("create table diary.last_build.every as select * from ops.landings")
            connection.execute("update ops.market set now_at = coalesce((from diary.last_build.about), now_at)")
            connection.execute("delete from ops.landings; insert into ops.landings from diary.last_build.known")
        connection.execute("detach diary")
    yield
    if is_built:
        with warehouse.connect("coming back from the last build") as connection:
            connection.execute(f"attach {text_sql(str(diary))} as diary (read_only)")
            connection.execute("delete from ops.market; insert into ops.market from diary.last_build.market")
            connection.execute("delete from ops.landings; insert into ops.landings from diary.last_build.every")
            connection.execute("detach diary")


def _put_in_place(settings: Settings, fresh: Settings, landed: Mapping[str, int] | None, market: Market) -> None:
    """Let the rebuilt warehouse take the place of the present one, which stays beside it until the next time."""
    path = settings.warehouse_path
    with writer_lock(settings, "putting a rebuilt warehouse in its place"):
        if path.is_file() and landed is not None:
            with _reading(path) as connection:
                if _landed(connection) != landed:
                    raise CannotRebuild(f"{path} was refreshed meanwhile; rebuild again, with no refresh under way")
        BuildState(settings).forget()
        log = path.with_name(f"{path.name}.wal")
        if path.is_file():
            os.replace(path, path.with_name(f"{path.name}.replaced"))
            # A log that a killed writer left belongs to the file it was written for.
            if log.exists():
                os.replace(log, log.with_name(f"{path.name}.replaced.wal"))
        shutil.move(fresh.warehouse_path, path)
        project = project_hash(settings)
        BuildState(settings).note_built(fingerprint(Warehouse(settings), market, project), project)
