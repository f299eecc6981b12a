"""The marts as they would have been at an instant: the SQL of the dbt project, run without dbt on what was known then.

The project is compiled once. Its SQL is then executed in the order of its dependencies in a scratch database, with the
warehouse attached to read: what stands in `raw`, `ops` and the seeds is read from there, everything else is computed in
the scratch. The same SQL, so the same numbers, in seconds instead of a build.

There are two ways to say what was known, and a test holds that they agree on every model:

* by rows: raw tables without what became available later, and the SQL exactly as a build runs it. The look-ahead proof
  goes this way, because it trusts no model to keep to an instant.
* by variable: `var('as_of')` of the project, all of raw there. So does `dbt build --vars`, and so do people get it.

The two large hourly models are incremental: a day of a contract follows from the raw rows of that day alone, which is
how the warehouse itself builds them. Here they are computed once from everything, and for an instant only the days are
computed again of which a part was known by then; days known in full are taken over, days not known are left out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from orchestration.build_state import BuildState, fingerprint, project_hash
from orchestration.publishing.published import Published
from orchestration.transform import PUBLISHED_LAYERS, compiled_manifest, is_apart
from orchestration.warehouse import literal_sql, text_sql, writer_lock

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from sources.dataset import Dataset

CUT_OFF_MINUTES = 30
"""How long after its end a day is cut off; the dbt variable `cutoff_minutes`, which a test compares."""

Sharing = Literal["none", "computed", "built"]

_SENTINEL = "0001-02-03 04:05:06+00"
_EVERYTHING = "infinity"
# The name that views in the warehouse know its tables by.
HOUSE = "warehouse"
_KEPT = "kept"
# Changes with what is kept of the manifest.
_COMPILED = "compiled-4-"
_READ = re.compile(r'"(raw|ops)"\."(\w+)"')
# What the house had done by an instant, table by table.
_DONE_BY: Mapping[str, str] = {
    "retrievals": "retrieved_at <= {at}",
    "restatements": "restated_at <= {at}",
    "findings": "found_at <= {at}",
    "novelties": "first_seen_at <= {at}",
    "builds": "started_at <= {at}",
    "prints": "printed_at <= {at}",
    "print_pillars": "date in (select date from warehouse.ops.prints where printed_at <= {at})",
    "print_correlations": "date in (select date from warehouse.ops.prints where printed_at <= {at})",
    "print_indicators": "date in (select date from warehouse.ops.prints where printed_at <= {at})",
    "print_terms": "date in (select date from warehouse.ops.prints where printed_at <= {at})",
    # What was read later than it could have been counts from when it could, like the rows it brought.
    "landings": "window_start <= {at}",
}
TIMELESS = frozenset({"market", "datasets"})
"""Tables of `ops` that are not cut: the clock is set back instead, and the registry is of no instant."""


class UnknownModel(Exception):
    """The project has no such model. The message is one line."""


@dataclass(frozen=True)
class Node:
    """A model or seed of the dbt project.

    Args:
        name: name of its relation.
        schema: schema of its relation.
        kind: `seed`, or how dbt materialises the model.
        sql: what a full refresh runs, without the database's name; empty for seeds.
        parents: ids of the models and seeds it reads.
        reads: tables of `raw` and `ops` it reads, as schema and name.
        has_contract: whether its columns have declared types.
        known_by: the column that says by when a row can be known: a date stands for its cut-off. None if it makes no
            such claim.
        known_at: of a seed whose rows are of an instant, the expression that says of which.
        hindsight: columns to which the claim does not extend, each with the reason.
    """

    name: str
    schema: str
    kind: str
    sql: str
    parents: tuple[str, ...]
    reads: tuple[tuple[str, str], ...]
    has_contract: bool = False
    known_by: str | None = None
    known_at: str | None = None
    hindsight: Mapping[str, str] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        return f'"{self.schema}"."{self.name}"'


@dataclass(frozen=True)
class Project:
    """The compiled dbt project.

    Args:
        nodes: by id.
        version: hash of the project's files.
    """

    nodes: Mapping[str, Node]
    version: str

    def by_name(self, name: str) -> Node:
        """A model or seed by its name.

        Raises:
            UnknownModel: there is none.
        """
        return self.nodes[self._id_of(name)]

    def lineage(self, names: Iterable[str]) -> list[Node]:
        """The named models and everything they are made of, parents first.

        Raises:
            UnknownModel: a name is not of this project.
        """
        needed: dict[str, tuple[str, ...]] = {}
        waiting = [self._id_of(name) for name in names]
        while waiting:
            one = waiting.pop()
            if one not in needed:
                needed[one] = self.nodes[one].parents
                waiting.extend(needed[one])
        return [self.nodes[one] for one in TopologicalSorter(needed).static_order()]

    def published(self) -> list[Node]:
        """What readers get to see."""
        return [node for node in self.nodes.values() if node.schema in PUBLISHED_LAYERS]

    def claiming(self) -> list[Node]:
        """Models that say by when their rows can be known."""
        return [node for node in self.nodes.values() if node.known_by is not None]

    def _id_of(self, name: str) -> str:
        for one, node in self.nodes.items():
            if node.name == name:
                return one
        raise UnknownModel(f"the dbt project has no model {name!r}")


@dataclass(frozen=True)
class Cut:
    """What is taken as known.

    Args:
        instant: up to when; None for everything there is.
        by_variable: leave raw whole and set `var('as_of')` instead.
        vanished: raw table -> the instant from which its source gives nothing any more: no rows, and no reading of it.
        frozen: raw tables in which figures known at the instant stay as they were then, while everything that is new
            after it is there. Replaces the cut of rows; the market's clock is not set back.
    """

    instant: datetime | None = None
    by_variable: bool = False
    vanished: Mapping[str, datetime] = field(default_factory=dict)
    frozen: frozenset[str] | None = None

    @property
    def is_frozen(self) -> bool:
        return self.frozen is not None


def cutoff_of(day: date) -> datetime:
    """The instant up to which information counts for a day's print."""
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone.utc)
    return midnight + timedelta(minutes=CUT_OFF_MINUTES)


def compiled_project(settings: Settings) -> Project:
    """The dbt project as SQL; compiled when it has changed, which touches no warehouse.

    Raises:
        orchestration.transform.BuildFailed: it does not compile.
    """
    return _compiled(settings, project_hash(settings))


@lru_cache(maxsize=2)
def _compiled(settings: Settings, version: str) -> Project:
    path = settings.target_path / f"{_COMPILED}{version}.json"
    if not path.is_file():
        manifest = compiled_manifest(settings, {"as_of": _SENTINEL})
        settings.target_path.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(_essence(manifest)))
        for old in settings.target_path.glob(f"{_COMPILED}*.json"):
            old.unlink(missing_ok=True)
        os.replace(part, path)
    essence: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
    nodes = {one: Node(**_tuples(node)) for one, node in essence.items()}
    return Project(nodes, version)


def _tuples(node: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {**node, "parents": tuple(node["parents"]), "reads": tuple(tuple(read) for read in node["reads"])}


def _essence(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is needed of a manifest: it is large, and is read by every command that looks back.

    The scorecards are left out: they have a job of their own, resample for minutes, and speak of the whole of history.
    """
    nodes = {
        one: node
        for one, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed") and not is_apart(node)
    }
    databases = {node["database"] for node in nodes.values()}
    return {one: _node(node, nodes, databases) for one, node in nodes.items()}


def _node(node: Mapping[str, Any], nodes: Mapping[str, Any], databases: set[str]) -> dict[str, Any]:
    read = node["depends_on"].get("nodes", ())
    sql = node.get("compiled_code") or ""
    for database in databases:
        sql = sql.replace(f'"{database}".', "")
    meta = node["config"].get("meta") or {}
    return {
        "name": node["alias"],
        "schema": node["schema"],
        "kind": "seed" if node["resource_type"] == "seed" else node["config"]["materialized"],
        "sql": sql,
        "parents": [one for one in read if one in nodes],
        # From the SQL: a model that goes through the graph reads more than it declares.
        "reads": sorted(set(_READ.findall(sql))),
        "has_contract": bool((node["config"].get("contract") or {}).get("enforced")),
        "known_by": meta.get("known_by"),
        "known_at": meta.get("known_at"),
        "hindsight": meta.get("in_hindsight") or {},
    }


@dataclass(frozen=True)
class _Hourly:
    """An incremental model that can be shared between instants: what it reads, and how its days are counted."""

    node: Node
    days: Node
    table: str


class Engine:
    """A scratch database in which states of the marts are computed, one after the other.

    Not for several threads; each may have its own.

    Args:
        project: what to compute.
        warehouse: the file to read, which nobody writes meanwhile.
        datasets: by raw table, for their keys.
        path: where the scratch database is; None for memory.
        memory_limit: what DuckDB may use.
        sharing: where the large hourly models come from: `none` computes them for every instant, `computed` once from
            everything in raw, `built` takes what the last build made of it.
    """

    def __init__(
        self,
        project: Project,
        warehouse: Path,
        datasets: Mapping[str, Dataset],
        *,
        path: Path | None = None,
        memory_limit: str = "2GB",
        sharing: Sharing = "computed",
    ) -> None:
        self._project = project
        self._datasets = datasets
        self._sharing = sharing
        self._shared: set[str] = set()
        # One thread a query, as in a build: sums of doubles are then added up in the same order.
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": 1,
            "python_enable_replacements": False,
        }
        self.connection = duckdb.connect(":memory:" if path is None else str(path), config=config)
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(f"attach {text_sql(str(warehouse))} as {HOUSE} (read_only)")
        self.connection.execute(f"create schema {_KEPT}")

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def compute(self, names: Iterable[str], cut: Cut) -> list[Node]:
        """Compute models and what they are made of; return them, parents first. What was computed before is dropped.

        Args:
            names: the models wanted.
            cut: what is taken as known.

        Raises:
            UnknownModel: a name is not of this project.
            duckdb.Error: the warehouse lacks what the project reads.
        """
        nodes = self._project.lineage(names)
        execute = self.connection.execute
        for schema in ("raw", "ops", *sorted({node.schema for node in self._project.nodes.values()})):
            execute(f'drop schema if exists "{schema}" cascade')
            execute(f'create schema "{schema}"')
        for schema, name in sorted({read for node in nodes for read in node.reads}):
            execute(f'create view "{schema}"."{name}" as {self._source(schema, name, cut)}')
        for node in nodes:
            self._make(node, cut)
        return nodes

    def restated_tables(self, names: Iterable[str], cutoff: datetime) -> dict[str, tuple[int, str]]:
        """Raw tables below the named models in which figures known at an instant were changed after it.

        Returns:
            Table -> how many rows, and the first of them in words.
        """
        found = {}
        for table in sorted(self._restating(self._project.lineage(names))):
            rows = self.connection.execute(
                f"""
                select count(*), min(concat_ws(' ', {", ".join(f'"{key}"' for key in self._datasets[table].key)}))
                from ({self._with_known(table, cutoff)})
                where _available_at > {literal_sql(cutoff)} and is_restated
                """
            ).fetchall()
            if rows[0][0]:
                found[table] = (int(rows[0][0]), str(rows[0][1]))
        return found

    def _source(self, schema: str, name: str, cut: Cut, condition: str = "true") -> str:
        """A table of `raw` or `ops` as far as it is known."""
        conditions = [condition]
        relation = f'{HOUSE}."{schema}"."{name}"'
        if schema == "raw":
            if cut.is_frozen:
                assert cut.instant is not None and cut.frozen is not None
                if name in cut.frozen:
                    relation = f"({self._with_known(name, cut.instant)})"
                    conditions.append(f"(_available_at <= {literal_sql(cut.instant)} or not is_restated)")
                    return f"select * exclude (is_restated) from {relation} where {' and '.join(conditions)}"
            elif cut.instant is not None and not cut.by_variable:
                conditions.append(f"_available_at <= {literal_sql(cut.instant)}")
            if name in cut.vanished:
                conditions.append(f"_available_at <= {literal_sql(cut.vanished[name])}")
            # Staging decides between vintages of one instant by the order of arrival, which a view has to pass on.
            return f"select *, rowid as rowid from {relation} where {' and '.join(conditions)}"
        ends = {table: literal_sql(instant) for table, instant in cut.vanished.items()}
        if name == "landings" and ends:
            cases = " ".join(f"when {text_sql(table)} then {end}" for table, end in ends.items())
            end = f"coalesce(least(window_end, case table_name {cases} end), window_end)"
            relation = f"(select * replace ({end} as window_end) from {relation})"
        if cut.instant is None or cut.by_variable or cut.is_frozen:
            return f"select * from {relation}"
        at = literal_sql(cut.instant)
        clipped = {"market": f"least(now_at, {at}) as now_at", "landings": f"least(window_end, {at}) as window_end"}
        columns = f"* replace ({clipped[name]})" if name in clipped else "*"
        return f"select {columns} from {relation} where {_DONE_BY.get(name, 'true').format(at=at)}"

    def _with_known(self, table: str, cutoff: datetime) -> str:
        """Every vintage of a raw table, and whether it changes a figure that was known at an instant.

        Filling in what was pending is no restatement: that is news.
        """
        dataset = self._datasets[table]
        keys = [f'"{key}"' for key in dataset.key]
        figures = [f'"{name}"' for name in dataset.schema if name not in dataset.key]
        changed = " or ".join(
            f"(known.{figure} is not null and vintages.{figure} is distinct from known.{figure})" for figure in figures
        )
        relation = f'{HOUSE}.raw."{table}"'
        return f"""
            select
                vintages.*,
                vintages.rowid as rowid,
                known.{keys[0]} is not null and ({changed or "false"}) as is_restated,
            from {relation} as vintages
            left join (
                select {", ".join([*keys, *figures])}
                from {relation}
                where _available_at <= {literal_sql(cutoff)}
                qualify row_number() over (partition by {", ".join(keys)} order by _vintage_at desc, rowid desc) = 1
            ) as known
                on {" and ".join(f"vintages.{key} = known.{key}" for key in keys)}
        """

    def _restating(self, nodes: Sequence[Node]) -> Iterator[str]:
        """Raw tables that hold more than one vintage of some key."""
        for table in sorted({name for node in nodes for schema, name in node.reads if schema == "raw"}):
            keys = ", ".join(f'"{key}"' for key in self._datasets[table].key)
            found = self.connection.execute(
                f'select count(*) > count(distinct ({keys})) from {HOUSE}.raw."{table}"'
            ).fetchone()
            if found and found[0]:
                yield table

    def _sql(self, node: Node, cut: Cut) -> str:
        is_set = cut.by_variable and cut.instant is not None
        known = f"{cut.instant.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S.%f}+00" if is_set and cut.instant else ""
        return node.sql.replace(_SENTINEL, known or _EVERYTHING)

    def _make(self, node: Node, cut: Cut) -> None:
        is_published = node.schema in PUBLISHED_LAYERS
        if node.kind == "seed":
            form = "table" if is_published else "view"
            known = "true"
            if node.known_at and cut.instant is not None and not (cut.by_variable or cut.is_frozen):
                known = f"{node.known_at} <= {literal_sql(cut.instant)}"
            self.connection.execute(f"create {form} {node.relation} as from {HOUSE}.{node.relation} where {known}")
        elif (hourly := self._hourly(node)) is not None and self._sharing != "none":
            self._make_hourly(hourly, cut)
        elif node.has_contract and self._exists(node):
            # The contract's types, as dbt gives them to the table.
            self.connection.execute(f"create table {node.relation} as from {HOUSE}.{node.relation} limit 0")
            self.connection.execute(f"insert into {node.relation} by name {self._sql(node, cut)}")
        else:
            form = "view" if node.kind == "view" and not is_published else "table"
            self.connection.execute(f"create {form} {node.relation} as {self._sql(node, cut)}")

    def _exists(self, node: Node) -> bool:
        found = self.connection.execute(
            "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
            [HOUSE, node.schema, node.name],
        ).fetchone()
        return found is not None

    def leave_published(self) -> None:
        """Give what readers get to see the comments of the warehouse's own, and drop everything it is made of."""
        published = sorted({node.schema for node in self._project.published()})
        found = self.connection.execute(
            """
            select schema_name, table_name, null as column_name, comment
            from duckdb_tables() where database_name = $house and list_contains($schemas, schema_name)
            union all
            select schema_name, view_name, null, comment
            from duckdb_views() where database_name = $house and list_contains($schemas, schema_name)
            union all
            select schema_name, table_name, column_name, comment
            from duckdb_columns() where database_name = $house and list_contains($schemas, schema_name)
            """,
            {"house": HOUSE, "schemas": published},
        ).fetchall()
        made = {(node.schema, node.name) for node in self._project.published()}
        for schema, table, column, comment in found:
            if comment and (schema, table) in made:
                target = f'"{schema}"."{table}"'
                what = f'column {target}."{column}"' if column else f"table {target}"
                self.connection.execute(f"comment on {what} is {text_sql(comment)}")
        schemas = {node.schema for node in self._project.nodes.values()} | {"raw", "ops", _KEPT}
        for schema in sorted(schemas - set(published)):
            self.connection.execute(f'drop schema if exists "{schema}" cascade')

    # Hourly models

    def _hourly(self, node: Node) -> _Hourly | None:
        """An incremental model whose days follow from the rows of one raw table alone, or None."""
        if node.kind != "incremental":
            return None
        parents = [self._project.nodes[one] for one in node.parents]
        models = [parent for parent in parents if parent.kind != "seed"]
        tables = {read for parent in models for read in parent.reads}
        days = [parent for parent in models if parent.name.endswith("_days")]
        if len(models) != 2 or len(days) != 1 or len(tables) != 1 or any(parent.parents for parent in models):
            return None
        ((schema, table),) = tables
        return _Hourly(node, days[0], table) if schema == "raw" else None

    def _make_hourly(self, hourly: _Hourly, cut: Cut) -> None:
        execute, node, days = self.connection.execute, hourly.node, hourly.days
        whole, counts = f'{_KEPT}."{node.name}"', f'{_KEPT}."{days.name}"'
        if node.name not in self._shared:
            everything = Cut()
            self._show(hourly, everything)
            if self._sharing == "built":
                execute(f"create view {whole} as from {HOUSE}.{node.relation}")
            else:
                execute(f"create table {whole} as {self._sql(node, everything)}")
            execute(f"create table {counts} as {self._sql(days, everything)}")
            self._shared.add(node.name)
            self._show(hourly, cut)
        # Days by how much of them is known: raw only grows, so an equal count means the same rows.
        execute(
            f"""
            create or replace temp table known_days as
            select known.symbol, known.date, known.vintage_count = counts.vintage_count as is_whole
            from ({self._sql(days, cut)}) as known
            inner join {counts} as counts on known.symbol = counts.symbol and known.date = counts.date
            """
        )
        execute(
            f"""
            create table {node.relation} as
            select hourly.* from {whole} as hourly
            semi join (from known_days where is_whole) as days
                on hourly.symbol = days.symbol and hourly.date = days.date
            """
        )
        bounds = execute("select min(date), max(date) from known_days where not is_whole").fetchone()
        if bounds is not None and bounds[0] is not None:
            first, last = (datetime.combine(day, time(), timezone.utc) for day in bounds)
            # A figure stamped with midnight may close the day before.
            instant = f'"{self._datasets[hourly.table].time_column}"'
            end = literal_sql(last + timedelta(days=1))
            self._show(hourly, cut, f"{instant} >= {literal_sql(first)} and {instant} <= {end}")
            execute(
                f"""
                insert into {node.relation}
                select hourly.* from ({self._sql(node, cut)}) as hourly
                semi join (from known_days where not is_whole) as days
                    on hourly.symbol = days.symbol and hourly.date = days.date
                """
            )
            self._show(hourly, cut)

    def _show(self, hourly: _Hourly, cut: Cut, condition: str = "true") -> None:
        """Let the models above see what is known of a raw table, or a part of that."""
        self.connection.execute(
            f'create or replace view raw."{hourly.table}" as {self._source("raw", hourly.table, cut, condition)}'
        )


class NotYet(Exception):
    """The instant lies in the future of the market. The message is one line."""


def publish_as_of(settings: Settings, instant: datetime) -> Published:
    """The published marts as of an instant: computed if nobody has asked for it since the last change.

    Args:
        settings: whose warehouse.
        instant: up to when things are known.

    Returns:
        A folder like the published one, with the database and the same tables as Parquet.

    Raises:
        NotYet: the market has not come to that instant.
        NotBuilt: there are no marts, or they were not built by this project.
        orchestration.warehouse.WarehouseBusy: another process keeps the warehouse locked.
        orchestration.publishing.snapshot.CannotPublish: the folder cannot be written.
        duckdb.Error: the warehouse lacks what the project reads.
    """
    from orchestration.publishing.snapshot import publish_file
    from orchestration.warehouse import Warehouse
    from sources.registry import DATASETS

    market = settings.open_market()
    instant = instant.astimezone(timezone.utc)
    if instant > market.now():
        raise NotYet(
            f"{instant:%Y-%m-%d %H:%M} UTC has not come yet: the market's clock says {market.now():%Y-%m-%d %H:%M}"
        )
    project = compiled_project(settings)
    warehouse = Warehouse(settings)
    with built_warehouse(settings, "looking back"):
        version = fingerprint(warehouse, market, project.version)
        folder = settings.as_of_path / f"{instant:%Y%m%dT%H%M%S}Z-{version[:12]}"
        published = Published(folder)
        if published.current() is not None:
            os.utime(folder)
            return published
        settings.as_of_path.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=settings.as_of_path, prefix="part-") as scratch:
            path = Path(scratch) / "as_of.duckdb"
            with Engine(
                project,
                settings.warehouse_path,
                DATASETS,
                path=path,
                memory_limit=settings.memory_limit,
                sharing="built",
            ) as engine:
                engine.compute([node.name for node in project.published()], Cut(instant, by_variable=True))
                engine.leave_published()
            publish_file(
                path,
                published,
                now=instant,
                is_simulated=market.is_simulated,
                keep=1,
                threads=settings.threads,
                memory_limit=settings.memory_limit,
            )
    _prune(settings.as_of_path, settings.published_versions)
    return published


class NotBuilt(Exception):
    """The marts do not come from one whole build of this project. The message is one line and names the way out."""


@contextmanager
def built_warehouse(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the warehouse still, with marts from one whole build of this project.

    Raises:
        NotBuilt: they are not.
        orchestration.warehouse.WarehouseBusy: another process keeps the warehouse locked.
    """
    if not settings.warehouse_path.is_file():
        raise NotBuilt(f"there is no warehouse at {settings.warehouse_path} yet; run `undertow refresh` first")
    with writer_lock(settings, purpose):
        state = BuildState(settings)
        if not state.is_whole() or state.built_by() != project_hash(settings):
            raise NotBuilt("the marts do not come from one whole build of this project; run `undertow refresh` first")
        yield


def _prune(folder: Path, keep: int) -> None:
    """Keep what was asked for last, and remove what a killed process left."""
    kept = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in kept[:-keep]:
        shutil.rmtree(path, ignore_errors=True)
