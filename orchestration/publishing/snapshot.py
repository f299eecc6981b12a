"""Publishing: copy the marts into a new file and let readers have it in one step.

Readers never open the warehouse. They open `published/undertow.duckdb`, which leads to the newest complete version
(the folder is described in `orchestration.publishing.published`). A version is built in a folder that nobody looks at,
flushed to disk, renamed, and only then does one link move. So a reader sees the old version or the new one, a killed
publish leaves the old one, and what it left behind is removed by the next.

The file is written in the oldest storage format that has everything it needs, so BI tools with an older DuckDB driver
open it as well.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.prints import PrintsDiffer, verify
from orchestration.publishing.published import (
    CURRENT_NAME,
    DATABASE_NAME,
    MANIFEST_NAME,
    PARQUET_NAME,
    PART_SUFFIX,
    Published,
    Version,
    read_version,
)
from orchestration.warehouse import Warehouse, writer_lock

if TYPE_CHECKING:
    from orchestration.settings import Settings

log = logging.getLogger(__name__)

SCHEMAS = ("marts", "meta", "quality")
STORAGE_VERSION = "v1.0.0"
"""Readable by every driver from 1.1 on. (0.10 and 1.0 stumble over a list column in which every list is empty.)"""
SIMULATED_MARK = "[SIMULATED]"

_CATALOG = Path(DATABASE_NAME).stem
_MACROS = "macros.sql"


class CannotPublish(Exception):
    """The warehouse holds nothing that could be published, or the published folder cannot be written."""


@dataclass(frozen=True)
class PublishResult:
    """What a publish did.

    Args:
        path: the database that readers open.
        version: name of the version it leads to.
        table_count: tables and views in it.
        row_count: rows in all of them.
        byte_count: size of the database file.
        is_new: whether the marts differ from those published before. A run that changed only the notes about itself
            (schema `meta`: landing runs, freshness) is published as well, but its marts are not new.
        parquet_path: the same tables as Parquet, one folder per schema.
    """

    path: Path
    version: str
    table_count: int
    row_count: int
    byte_count: int
    is_new: bool
    parquet_path: Path


def publish(settings: Settings) -> PublishResult:
    """Publish the marts of a market's warehouse, if its first prints are those of the journal.

    Waits for the warehouse's writer lock, so it never reads in the middle of a build. Publishing what is published
    already changes nothing.

    Raises:
        CannotPublish: the warehouse has no marts, a first print is not the one in the journal, or the published folder
            cannot be written.
        WarehouseBusy: another process keeps the warehouse locked.
        UnknownMarket: the settings name a recording that is not there.
    """
    market = settings.open_market()
    with writer_lock(settings, "publishing"):
        if settings.warehouse_path.exists():
            try:
                verify(settings.archive_path, Warehouse(settings))
            except PrintsDiffer as error:
                raise CannotPublish(str(error)) from error
        return publish_file(
            settings.warehouse_path,
            Published(settings.published_path),
            now=market.now(),
            is_simulated=market.is_simulated,
            keep=settings.published_versions,
            threads=settings.threads,
            memory_limit=settings.memory_limit,
        )


def publish_file(
    warehouse: Path,
    published: Published,
    *,
    now: datetime,
    is_simulated: bool,
    keep: int,
    threads: int = 2,
    memory_limit: str = "1GB",
) -> PublishResult:
    """Publish from a warehouse file that nobody writes to meanwhile.

    Args:
        warehouse: the DuckDB file to read.
        published: the folder to publish into.
        now: the market's present instant, which dates the version.
        is_simulated: whether every table is to say that its numbers are made up.
        keep: how many versions stay, the new one included; at least the new one and its predecessor do.
        threads: how many DuckDB may use.
        memory_limit: what DuckDB may use, such as `1GB`.

    Raises:
        CannotPublish: the warehouse cannot be read or has no marts, or the published folder cannot be written.
    """
    if not warehouse.exists():
        raise CannotPublish(f"there is no warehouse at {warehouse} yet; run `undertow refresh` first")
    try:
        with _read_warehouse(warehouse, threads, memory_limit) as source:
            return _publish(source, published, now, is_simulated, keep)
    except OSError as error:
        raise CannotPublish(f"cannot write below {published.root}: {error.strerror or error}") from error


def _publish(source: _Source, published: Published, now: datetime, is_simulated: bool, keep: int) -> PublishResult:
    relations = _relations(source, is_simulated)
    if not any(relation.schema == "marts" for relation in relations):
        raise CannotPublish("the warehouse has no marts yet; run `undertow refresh` first")
    published.versions_folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(published)

    prints = {relation.name: _content_of(source, relation) for relation in relations}
    fingerprints = {schema: _fingerprint(schema, relations, prints) for schema in SCHEMAS}
    before, versions = published.current(), published.versions()
    newest = versions[-1] if versions else None
    is_new = before is None or before.fingerprint("marts") != fingerprints["marts"]

    if newest is not None and all(newest.fingerprint(schema) == fingerprints[schema] for schema in SCHEMAS):
        # Usually the current one; otherwise a publish was killed between building it and pointing to it.
        version = newest
    else:
        sequence = newest.sequence + 1 if newest else 1
        manifest = {
            "sequence": sequence,
            "published_at": now.isoformat(),
            "is_simulated": is_simulated,
            "duckdb": duckdb.__version__,
            "fingerprints": fingerprints,
            "tables": {name: {"rows": rows, "content": content} for name, (rows, content) in prints.items()},
        }
        folder = published.versions_folder / f"{now:%Y%m%dT%H%M%SZ}-{sequence:05d}"
        version = _build(source, relations, folder, manifest, before)
    _point_to(published, version)
    _forget(published, before, keep)
    return PublishResult(
        path=published.database,
        version=version.name,
        table_count=version.table_count,
        row_count=version.row_count,
        byte_count=version.byte_count,
        is_new=is_new,
        parquet_path=published.parquet if published.parquet.exists() else version.parquet,
    )


# What there is to publish


@dataclass(frozen=True)
class _Source:
    """A connection to which the warehouse is attached under the name `catalog`."""

    connection: duckdb.DuckDBPyConnection
    catalog: str

    def table(self, relation: _Relation) -> str:
        return f"{_quoted(self.catalog)}.{relation.sql_name}"


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    is_nullable: bool
    comment: str | None


@dataclass(frozen=True)
class _Relation:
    """A table or view of the warehouse that is published."""

    schema: str
    table: str
    columns: tuple[_Column, ...]
    comment: str | None
    view: _View | None

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def sql_name(self) -> str:
        return f"{_quoted(self.schema)}.{_quoted(self.table)}"

    @property
    def definition(self) -> str:
        return repr((self.name, self.columns, self.comment, self.view.sql if self.view else None))


@dataclass(frozen=True)
class _View:
    """A view that reads nothing but what is published, as it is defined there."""

    sql: str
    reads: frozenset[str]


@dataclass(frozen=True)
class _Query:
    """The parsed query of a view, as `json_serialize_sql` gives it."""

    tree: dict[str, Any]

    @cached_property
    def tables(self) -> tuple[dict[str, Any], ...]:
        """The nodes that name a table, to be edited in place."""
        return tuple(node for node in _nodes(self.tree) if node.get("type") == "BASE_TABLE" and node.get("schema_name"))


@contextmanager
def _read_warehouse(warehouse: Path, threads: int, memory_limit: str) -> Iterator[_Source]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": False,
        "threads": threads,
        "memory_limit": memory_limit,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        try:
            # Under its own name, which the definitions of views repeat.
            connection.execute(f"attach {_literal(warehouse)} as {_quoted(warehouse.stem)} (read_only)")
        except duckdb.Error as error:
            raise CannotPublish(f"{warehouse} cannot be read: {_first_line(error)}") from error
        yield _Source(connection, warehouse.stem)


def _relations(source: _Source, is_simulated: bool) -> list[_Relation]:
    connection = source.connection
    columns: dict[tuple[str, str], list[_Column]] = {}
    for schema, table, *column in connection.execute(
        """
        select schema_name, table_name, column_name, data_type, is_nullable, comment
        from duckdb_columns()
        where database_name = ? and list_contains(?, schema_name)
        order by schema_name, table_name, column_index
        """,
        [source.catalog, list(SCHEMAS)],
    ).fetchall():
        columns.setdefault((schema, table), []).append(_Column(*column))
    found = connection.execute(
        """
        select schema_name, table_name, comment, null as sql from duckdb_tables() where database_name = $catalog
        union all
        select schema_name, view_name, comment, sql from duckdb_views() where database_name = $catalog
        order by schema_name, table_name
        """,
        {"catalog": source.catalog},
    ).fetchall()
    relations = []
    for schema, table, comment, sql in found:
        if schema in SCHEMAS:
            view = _view(connection, sql) if sql else None
            text = f"{SIMULATED_MARK} {comment or ''}".strip() if is_simulated else comment
            relations.append(_Relation(schema, table, tuple(columns[schema, table]), text, view))
    return relations


def _view(connection: duckdb.DuckDBPyConnection, sql: str) -> _View | None:
    """The view for the published file, or None if it reads what stays behind and so has to become a table.

    DuckDB qualifies the tables in a view with the database they are in. The published database has another name, and
    a reader may attach it under a third, so that part is taken out.
    """
    head, query_sql = sql.rstrip().rstrip(";").split(" AS ", maxsplit=1)
    parsed = json.loads(_scalar(connection, "select json_serialize_sql(?)", query_sql))
    if parsed["error"]:
        return None
    query = _Query(parsed)
    if any(node["schema_name"] not in SCHEMAS for node in query.tables):
        return None
    for node in query.tables:
        node["catalog_name"] = ""
    body = _scalar(connection, "select json_deserialize_sql(cast(? as json))", json.dumps(query.tree))
    return _View(f"{head} AS {body}", frozenset(f"{node['schema_name']}.{node['table_name']}" for node in query.tables))


def _content_of(source: _Source, relation: _Relation) -> tuple[int, str]:
    """Number of rows and a hash of them that does not depend on their order."""
    columns = ", ".join(_quoted(column.name) for column in relation.columns)
    rows, content = source.connection.execute(
        f"select count(*), coalesce(sum(hash({columns})::hugeint), 0) from {source.table(relation)}"
    ).fetchall()[0]
    return rows, f"{content:x}"


def _fingerprint(schema: str, relations: Sequence[_Relation], prints: dict[str, tuple[int, str]]) -> str:
    """Equal for equal content, definitions, macros and engine."""
    digest = hashlib.sha256(f"{STORAGE_VERSION} {duckdb.__version__}\n{_macros()}".encode())
    for relation in relations:
        if relation.schema == schema:
            digest.update(f"{relation.definition} {prints[relation.name]}\n".encode())
    return digest.hexdigest()


# Building a version


def _build(
    source: _Source,
    relations: Sequence[_Relation],
    folder: Path,
    manifest: dict[str, Any],
    before: Version | None,
) -> Version:
    part = folder.with_name(folder.name + PART_SUFFIX)
    part.mkdir()
    _write_database(source, relations, part / DATABASE_NAME)
    _write_parquet(source, relations, part / PARQUET_NAME, manifest, before)
    (part / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1), "utf-8")
    for file in part.rglob("*"):
        _flush(file)
    _flush(part)
    part.rename(folder)
    _flush(folder.parent)
    version = read_version(folder)
    if version is None:
        raise CannotPublish(f"{folder} vanished while it was being published")
    return version


def _write_database(source: _Source, relations: Sequence[_Relation], path: Path) -> None:
    connection = source.connection
    connection.execute(f"attach {_literal(path)} as {_CATALOG} (storage_version '{STORAGE_VERSION}')")
    connection.execute(f"use {_CATALOG}")
    connection.execute("begin transaction")
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")
    for relation in _in_order(relations):
        if relation.view is not None:
            connection.execute(relation.view.sql)
        else:
            columns = ", ".join(
                f"{_quoted(column.name)} {column.type}{'' if column.is_nullable else ' not null'}"
                for column in relation.columns
            )
            connection.execute(f"create table {relation.sql_name} ({columns})")
            connection.execute(f"insert into {relation.sql_name} from {source.table(relation)}")
        _comment(connection, relation)
    try:
        connection.execute(_macros())
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise CannotPublish(f"a macro of {_MACROS} does not fit the marts: {_first_line(error)}") from error
    connection.execute("commit")
    connection.execute("use memory")
    # Detaching writes the checkpoint, so no write-ahead log stays beside the file.
    connection.execute(f"detach {_CATALOG}")


def _in_order(relations: Sequence[_Relation]) -> Iterator[_Relation]:
    """Every view after what it reads."""
    by_name = {relation.name: relation for relation in relations}
    graph = {relation.name: relation.view.reads if relation.view else frozenset() for relation in relations}
    return (by_name[name] for name in TopologicalSorter(graph).static_order() if name in by_name)


def _comment(connection: duckdb.DuckDBPyConnection, relation: _Relation) -> None:
    kind = "view" if relation.view else "table"
    if relation.comment:
        connection.execute(f"comment on {kind} {relation.sql_name} is {_literal(relation.comment)}")
    for column in relation.columns:
        if column.comment:
            target = f"{relation.sql_name}.{_quoted(column.name)}"
            connection.execute(f"comment on column {target} is {_literal(column.comment)}")


def _write_parquet(
    source: _Source,
    relations: Sequence[_Relation],
    folder: Path,
    manifest: dict[str, Any],
    before: Version | None,
) -> None:
    """One file per table. A table that did not change shares its file with the version before."""
    about = f"{{market_time: {_literal(manifest['published_at'])}, simulated: '{manifest['is_simulated']}'}}"
    for relation in relations:
        target = folder / relation.schema / f"{relation.table}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        if before is not None and before.manifest["tables"].get(relation.name) == manifest["tables"][relation.name]:
            try:
                os.link(before.parquet / relation.schema / target.name, target)
                continue
            except OSError as error:
                log.debug("%s cannot be shared between versions: %s", target.name, error)
        source.connection.execute(
            f"copy {source.table(relation)} to {_literal(target)} "
            f"(format parquet, compression zstd, kv_metadata {about})"
        )


# Letting readers have it


def _point_to(published: Published, version: Version) -> None:
    """Lead readers to a version, in one step."""
    target = Path(version.folder.parent.name) / version.name
    try:
        _swap_link(published.root / CURRENT_NAME, target)
        # These two never change; they are made with the first version and mended if somebody removed them.
        _swap_link(published.database, Path(CURRENT_NAME) / DATABASE_NAME)
        _swap_link(published.parquet, Path(CURRENT_NAME) / PARQUET_NAME)
    except _NoLinks as error:
        _replace_file(published, version, str(error))
    _flush(published.root)


class _NoLinks(Exception):
    """Internal: this file system or this user cannot make symbolic links."""


def _swap_link(link: Path, target: Path) -> None:
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    fresh = link.with_name(f"{link.name}{PART_SUFFIX}")
    try:
        os.symlink(target, fresh, target_is_directory=link.suffix == "")
    except (OSError, NotImplementedError) as error:
        # NotImplementedError is a platform without links, OSError a file system or a user without the right to them.
        raise _NoLinks(str(error)) from error
    os.replace(fresh, link)


def _replace_file(published: Published, version: Version, reason: str) -> None:
    """Where links are not to be had (Windows without developer mode, some network drives): put the file itself there.

    Still one step for readers, but a process that holds the old file goes on getting it until its last connection is
    closed. Parquet is read from the version's folder.
    """
    log.warning(
        "no symbolic links in %s (%s): %s is replaced as a file; long-lived readers have to close their connections to "
        "see it, and Parquet is in %s",
        published.root,
        reason,
        DATABASE_NAME,
        version.parquet,
    )
    fresh = published.root / f"{DATABASE_NAME}{PART_SUFFIX}"
    try:
        os.link(version.database, fresh)
    except OSError:
        shutil.copyfile(version.database, fresh)
        _flush(fresh)
    os.replace(fresh, published.database)
    marker = published.root / f"{CURRENT_NAME}{PART_SUFFIX}"
    marker.write_text(version.name, "utf-8")
    os.replace(marker, published.root / CURRENT_NAME)


def _remove_leftovers(published: Published) -> None:
    """What a killed publish left: nobody reads it, because nothing leads there."""
    for path in published.versions_folder.glob(f"*{PART_SUFFIX}"):
        shutil.rmtree(path)
    for path in published.root.glob(f"*{PART_SUFFIX}"):
        path.unlink()


def _forget(published: Published, before: Version | None, keep: int) -> None:
    """Remove versions beyond the last `keep`.

    The current one stays, and the one before it: a reader may have followed the link and not opened the file yet.
    Versions with the same marts count once, so that idle runs do not push real history out.
    """
    current = published.current()
    kept = {version.name for version in (current, before) if version is not None}
    seen = {version.fingerprint("marts") for version in (current, before) if version is not None}
    for version in reversed(published.versions()):
        if version.name in kept:
            continue
        if len(kept) < keep and version.fingerprint("marts") not in seen:
            kept.add(version.name)
            seen.add(version.fingerprint("marts"))
            continue
        doomed = version.folder.with_name(version.name + PART_SUFFIX)
        try:
            version.folder.rename(doomed)
            shutil.rmtree(doomed)
        except PermissionError as error:
            # Windows refuses while a reader has the file open; the next publish tries again.
            log.info("version %s stays for now: %s", version.name, error)


def _flush(path: Path) -> None:
    """Make sure that a file or a folder's entries are on disk, not only in the system's memory."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders; its rename is durable by itself.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Small things


def _macros() -> str:
    return resources.files("orchestration.publishing").joinpath(_MACROS).read_text("utf-8")


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _scalar(connection: duckdb.DuckDBPyConnection, sql: str, parameter: str) -> str:
    row = connection.execute(sql, [parameter]).fetchone()
    return str(row[0]) if row else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error).partition("\n")[0])
