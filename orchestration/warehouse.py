"""The warehouse file: the only code that opens it for writing, and the only code that writes `raw` and `ops`.

`raw.<provider>__<dataset>` holds vintages: a row is added when its key is new or its values differ from the newest
vintage of that key, and is never changed or deleted afterwards. `ops` holds what happened: landings, retrievals,
novelties, and what the house knows about its datasets and its market. dbt owns every other schema.

DuckDB shuts all other processes out of a file that is open for writing, so connections are short and every one of them
is made under the writer lock, which queues processes and can say who holds it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import duckdb
import polars as pl
from filelock import FileLock, Timeout

from orchestration.progress import Observer
from sources.dataset import UTC_DATETIME, Window
from sources.errors import NotRecorded

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from sources.dataset import Dataset
    from sources.market import Market

BOOKKEEPING: Mapping[str, tuple[str, str]] = {
    "_vintage_at": ("TIMESTAMPTZ", "When this version of the row was retrieved."),
    "_available_at": ("TIMESTAMPTZ", "From when on this version could have been known."),
    "_available_basis": (
        "VARCHAR",
        "How _available_at is known: observed if it appeared while we were asking, assumed if it follows from the "
        "provider's usual lag.",
    ),
    "_body_sha256": ("VARCHAR", "Hash of the archived response the row was parsed from."),
    "_run_id": ("VARCHAR", "Run that retrieved it."),
}
"""Columns that landing adds to the declared ones: type and description."""

OPS_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "market": (
        "The market this warehouse belongs to; one row.",
        {
            "market": ("VARCHAR", "Name of the market: live, simulated or recorded."),
            "title": ("VARCHAR", "What is said of the market wherever its numbers are shown."),
            "is_simulated": ("BOOLEAN", "Whether the numbers are made up."),
            "now_at": ("TIMESTAMPTZ", "The market's present instant when it was last looked at."),
        },
    ),
    "datasets": (
        "What the house knows about each dataset; one row per dataset, replaced from the registry.",
        {
            "table_name": ("VARCHAR", "Name of the raw table."),
            "provider": ("VARCHAR", "Provider's identifier."),
            "provider_title": ("VARCHAR", "Provider as it writes itself."),
            "dataset": ("VARCHAR", "Dataset name within the provider."),
            "subject": ("VARCHAR", "What the data is about."),
            "description": ("VARCHAR", "What it is."),
            "grain": ("VARCHAR", "What one row stands for."),
            "licence": ("VARCHAR", "Class of the provider's terms."),
            "homepage": ("VARCHAR", "Provider's documentation."),
            "docs_url": ("VARCHAR", "Provider's page on this dataset."),
            "cron": ("VARCHAR", "When it is asked for, UTC."),
            "frequency": ("VARCHAR", "Schedule it belongs to: hourly, daily or weekly."),
            "lag_seconds": ("BIGINT", "How long after the end of a period its figure can be known."),
            "stale_after_seconds": ("BIGINT", "Age of the newest period at which the dataset counts as stale."),
            "revised_for_seconds": ("BIGINT", "How far back a refresh asks again for restated values."),
            "needs_key": ("VARCHAR", "Environment variable with the key; null if none is needed."),
            "starts_on": ("DATE", "First day the provider has."),
        },
    ),
    "landings": (
        "Every attempt to land a window of a dataset.",
        {
            "run_id": ("VARCHAR", "Run that made the attempt."),
            "table_name": ("VARCHAR", "Name of the raw table."),
            "window_start": ("TIMESTAMPTZ", "First instant asked for."),
            "window_end": ("TIMESTAMPTZ", "End of the window, not included."),
            "landed_at": ("TIMESTAMPTZ", "When, by the market's clock."),
            "status": ("VARCHAR", "landed, unchanged, empty, failed or not_recorded."),
            "body_count": ("BIGINT", "Responses the rows came from."),
            "fetched_row_count": ("BIGINT", "Rows in those responses."),
            "new_row_count": ("BIGINT", "Rows with a key not seen before."),
            "changed_row_count": ("BIGINT", "Rows whose values differ from the newest vintage of their key."),
            "duplicate_row_count": ("BIGINT", "Rows whose key came again later in the same landing."),
            "conflicting_row_count": ("BIGINT", "Those of them whose values differ from the ones that came later."),
            "error_kind": ("VARCHAR", "Kind of failure; null if there was none."),
            "error_message": ("VARCHAR", "What failed and what to do; null if nothing did."),
        },
    ),
    "retrievals": (
        "Every archived response and what became of it.",
        {
            "table_name": ("VARCHAR", "Name of the raw table."),
            "sequence": ("BIGINT", "Position in the dataset's archive manifest, from 1."),
            "run_id": ("VARCHAR", "Run that retrieved it."),
            "window_start": ("TIMESTAMPTZ", "First instant asked for."),
            "window_end": ("TIMESTAMPTZ", "End of the window, not included."),
            "url": ("VARCHAR", "What was asked, without query string."),
            "params": ("VARCHAR", "Query parameters as a JSON object; never a secret."),
            "method": ("VARCHAR", "HTTP method."),
            "content": ("VARCHAR", "Body of the request; empty if it has none, never a secret."),
            "status": ("INTEGER", "HTTP status."),
            "sha256": ("VARCHAR", "Hash of the response body."),
            "byte_count": ("BIGINT", "Size of the response body."),
            "retrieved_at": ("TIMESTAMPTZ", "When it was received, by the market's clock."),
            "row_count": ("BIGINT", "Rows parsed from it."),
            "outcome": ("VARCHAR", "parsed, empty, absent, companion or quarantined."),
            "message": ("VARCHAR", "Why it is quarantined; null otherwise."),
            "series": ("VARCHAR", "What was asked about, whatever part of it: the request less window and page size."),
            "first_period_at": ("TIMESTAMPTZ", "Oldest period it has a row for; null without rows."),
            "last_period_at": ("TIMESTAMPTZ", "Newest period it has a row for; null without rows."),
            "path": ("VARCHAR", "Where the body lies, relative to the archive."),
        },
    ),
    "restatements": (
        "Every figure that a provider changed after it had given it once; both are kept.",
        {
            "table_name": ("VARCHAR", "Name of the raw table."),
            "period_at": ("TIMESTAMPTZ", "The period the figure is about: its start, or the instant."),
            "entity": ("VARCHAR", "The other parts of the key; empty if there are none."),
            "column_name": ("VARCHAR", "Which figure."),
            "value_before": ("VARCHAR", "What it was; null if it was pending."),
            "value_after": ("VARCHAR", "What it is now."),
            "relative_change_ratio": ("DOUBLE", "Change over the size of what it was; null where that means nothing."),
            "first_given_at": ("TIMESTAMPTZ", "When the figure before was retrieved."),
            "restated_at": ("TIMESTAMPTZ", "When the new one was retrieved."),
            "run_id": ("VARCHAR", "Run that retrieved it."),
        },
    ),
    "findings": (
        "What is odd about the rows of a table by rules that hold for any table; see orchestration/quality.py.",
        {
            "table_name": ("VARCHAR", "Name of the raw table."),
            "rule": ("VARCHAR", "Name of the rule."),
            "entity": ("VARCHAR", "Parts of the key other than time; empty if there are none."),
            "column_name": ("VARCHAR", "Column concerned; empty if it is about rows."),
            "started_at": ("TIMESTAMPTZ", "First instant concerned."),
            "ended_at": ("TIMESTAMPTZ", "Last instant concerned."),
            "row_count": ("BIGINT", "Rows concerned: missing, repeated or odd ones."),
            "measure": ("DOUBLE", "How odd: a length, factor or value, as the detail says."),
            "detail": ("VARCHAR", "What was found, in words."),
            "found_at": ("TIMESTAMPTZ", "When it was first found, by the market's clock."),
        },
    ),
    "builds": (
        "The build under way, or the last one; one row.",
        {
            "run_id": ("VARCHAR", "Run that builds."),
            "code_version": ("VARCHAR", "Hash of the dbt project that is built."),
            "started_at": ("TIMESTAMPTZ", "When it began, by the market's clock."),
        },
    ),
    "prints": (
        "First prints of the index as the journal in the archive has them; one row per day, never changed.",
        {
            "date": ("DATE", "Day the print is of."),
            "market": ("VARCHAR", "Name of the market: live, simulated or recorded."),
            "cmsi": ("DOUBLE", "The index."),
            "percentile": ("DOUBLE", "Share of the prints of the rank window that are not above it, in per cent."),
            "q": ("DOUBLE", "Quadratic form the index is the root of."),
            "linear_bound": ("DOUBLE", "The index if all pillars moved as one."),
            "mean_correlation": ("DOUBLE", "Mean correlation between the usable pillars."),
            "coverage": ("DOUBLE", "Weight of the usable pillars."),
            "status": ("VARCHAR", "official or degraded."),
            "regime": ("VARCHAR", "Regime; null while there are no thresholds."),
            "previous_cmsi": ("DOUBLE", "The index of the day before as that run computed it; null if it could not."),
            "basis": ("VARCHAR", "live or reconstructed."),
            "cutoff_at": ("TIMESTAMPTZ", "Instant up to which information counts."),
            "printed_at": ("TIMESTAMPTZ", "When the day was first printed, by the market's clock."),
            "input_hash": ("VARCHAR", "Hash of the inputs."),
            "input_count": ("BIGINT", "Inputs of the panel, stale ones included."),
            "method_version": ("VARCHAR", "Version of the method."),
            "code_version": ("VARCHAR", "Hash of the dbt project."),
            "run_id": ("VARCHAR", "Run that printed it."),
        },
    ),
    "print_pillars": (
        "The pillars behind first prints, as printed.",
        {
            "date": ("DATE", "Day the print is of."),
            "pillar": ("VARCHAR", "Pillar."),
            "weight": ("DOUBLE", "Weight within the index."),
            "score": ("DOUBLE", "Mean level rank of the fresh inputs."),
            "mid_score": ("DOUBLE", "Mean mid-rank of the fresh inputs."),
            "is_valid": ("BOOLEAN", "Whether enough of it is fresh."),
            "is_usable": ("BOOLEAN", "Whether it counts."),
            "fresh_weight_ratio": ("DOUBLE", "Fresh share of its weight."),
            "points": ("DOUBLE", "Points it contributes; null if it does not count."),
        },
    ),
    "print_correlations": (
        "The correlations behind first prints, as printed.",
        {
            "date": ("DATE", "Day the print is of."),
            "pillar_i": ("VARCHAR", "First pillar in alphabetical order."),
            "pillar_j": ("VARCHAR", "Second pillar."),
            "rho": ("DOUBLE", "Correlation."),
        },
    ),
    "print_indicators": (
        "The inputs behind first prints, as printed.",
        {
            "date": ("DATE", "Day the print is of."),
            "indicator": ("VARCHAR", "Indicator."),
            "pillar": ("VARCHAR", "Its pillar."),
            "weight": ("DOUBLE", "Weight within its pillar."),
            "observed_date": ("DATE", "Last day of the period the figure describes."),
            "value": ("DOUBLE", "Value; null when too old."),
            "available_at": ("TIMESTAMPTZ", "Instant from which the figure could be known."),
            "z": ("DOUBLE", "Level rank; null when too old."),
            "z_mid": ("DOUBLE", "Mid-rank; null when too old."),
            "age_days": ("INTEGER", "Days since the figure became usable."),
            "is_carried": ("BOOLEAN", "Whether the rank is carried from an earlier day."),
            "is_fresh": ("BOOLEAN", "Whether it counts."),
            "points": ("DOUBLE", "Points it contributes; null if it does not count."),
        },
    ),
    "print_terms": (
        "Why the index had changed since the day before, as printed.",
        {
            "date": ("DATE", "Day the print is of."),
            "term": ("VARCHAR", "level, correlation or composition."),
            "pillar_i": ("VARCHAR", "Pillar, empty for the composition of the whole index."),
            "pillar_j": ("VARCHAR", "Second pillar of a correlation term, empty otherwise."),
            "points": ("DOUBLE", "Index points."),
        },
    ),
    "novelties": (
        "Columns that providers send and descriptors do not declare.",
        {
            "table_name": ("VARCHAR", "Name of the raw table."),
            "column_name": ("VARCHAR", "Name as the provider sends it."),
            "first_seen_at": ("TIMESTAMPTZ", "When it first came."),
            "sha256": ("VARCHAR", "Hash of the response it first came in."),
        },
    ),
}
"""Tables of schema ops: description, and type and description of every column."""

_TYPES: Mapping[object, str] = {
    pl.String: "VARCHAR",
    pl.Float64: "DOUBLE",
    pl.Int64: "BIGINT",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    UTC_DATETIME: "TIMESTAMPTZ",
}
_POLARS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    **{name: dtype for dtype, name in _TYPES.items()},  # type: ignore[misc]
    "INTEGER": pl.Int32,
}


_FILE_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException, duckdb.SerializationException)


class WarehouseError(Exception):
    """The warehouse cannot be used. The message is one line: what, where, and the way out."""


class WarehouseBusy(WarehouseError):
    """Another process has been writing for longer than a writer waits."""


@dataclass(frozen=True)
class Retrieval:
    """One archived response and what became of it; a row of `ops.retrievals`."""

    sequence: int
    run_id: str
    window: Window
    url: str
    params: str
    status: int
    sha256: str
    byte_count: int
    retrieved_at: datetime
    row_count: int
    outcome: str
    message: str | None = None
    series: str = ""
    first_period_at: datetime | None = None
    last_period_at: datetime | None = None
    method: str = "GET"
    content: str = ""
    path: str | None = None


@dataclass(frozen=True)
class Landing:
    """Everything one window brought, ready to be landed in one transaction.

    Args:
        dataset: whose rows.
        run_id: the run that retrieved them.
        window: the window that was asked for.
        rows: declared columns, `_vintage_at` and `_body_sha256`, in the order in which they came.
        retrievals: all responses, companions and quarantined ones included.
        body_count: responses that rows could come from.
        landed_at: the market's present instant.
        novelties: undeclared column name -> when it came, and the hash of the response it came in.
        error_kind: set if the window did not come completely.
        error_message: what failed.
    """

    dataset: Dataset
    run_id: str
    window: Window
    rows: pl.DataFrame
    retrievals: Sequence[Retrieval]
    body_count: int
    landed_at: datetime
    novelties: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    error_kind: str | None = None
    error_message: str | None = None

    @property
    def periods(self) -> tuple[Window, ...]:
        """The span from the oldest to the newest period that has a row; none without rows."""
        bounds = [(one.first_period_at, one.last_period_at) for one in self.retrievals if one.first_period_at]
        firsts, lasts = [first for first, _ in bounds if first], [last for _, last in bounds if last]
        return (Window(min(firsts), max(lasts) + timedelta(microseconds=1)),) if firsts and lasts else ()


@dataclass(frozen=True)
class Landed:
    """What a landing changed, and how the table stands after it.

    Args:
        status: `landed`, `unchanged`, `empty`, `failed`, or `not_recorded` where a recorded market lacks an answer.
        observed_row_count: added rows that appeared while we were asking.
        assumed_row_count: added rows whose availability follows from the usual lag.
        total_row_count: rows in the table, all vintages.
        newest_period_end: end of the newest period that has a row; None if the table is empty.
    """

    status: str
    fetched_row_count: int
    new_row_count: int
    changed_row_count: int
    duplicate_row_count: int
    conflicting_row_count: int
    observed_row_count: int
    assumed_row_count: int
    total_row_count: int
    newest_period_end: datetime | None


@dataclass(frozen=True)
class Progress:
    """How far a dataset has come.

    Args:
        last_sequence: newest retrieval that is in the warehouse; 0 if none is.
        asked: windows ever asked for, merged where they touch, oldest first.
        covered: the same of windows that came completely.
    """

    last_sequence: int
    asked: tuple[Window, ...]
    covered: tuple[Window, ...]


class Warehouse:
    """The warehouse of one market.

    Args:
        settings: where it is and what it may use.
        observer: is told when a writer has to wait.
    """

    def __init__(self, settings: Settings, observer: Observer | None = None) -> None:
        self.path = settings.warehouse_path
        self._settings = settings
        self._observer = observer or Observer()
        self._holder_path = self.path.with_name(f"{self.path.name}.writer.json")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock_path = self.path.with_name(f"{self.path.name}.lock")
        self._progress: dict[str, Progress] | None = None
        self._state_left: tuple[tuple[int, int] | None, ...] | None = None

    @contextmanager
    def writer(self, purpose: str) -> Iterator[None]:
        """Hold the writer lock, which every process takes that opens the file. Re-entrant within a thread.

        Args:
            purpose: what a waiting process is told about the one that holds it.

        Raises:
            WarehouseBusy: another process held it for longer than `lock_timeout_seconds`.
            WarehouseError: the market home cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock_path, is_singleton=True)
            self._acquire(lock)
        except OSError as error:
            raise WarehouseError(f"{self.path.parent} cannot be written: {error.strerror or error}") from None
        try:
            if lock.lock_counter == 1:
                self._sign(purpose)
            yield
        finally:
            if lock.lock_counter == 1:
                self._holder_path.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> Mapping[str, object] | None:
        """Who signed for the writer lock: `pid`, `since`, `purpose`; None if nobody did."""
        try:
            signed = json.loads(self._holder_path.read_bytes())
        except (OSError, ValueError):
            return None
        return signed if isinstance(signed, dict) else None

    @contextmanager
    def connect(self, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in UTC under the writer lock; both are released on leaving.

        Within another one it is that connection: opening and closing the file costs more than most of what is done.

        Raises:
            WarehouseBusy: see `writer`.
            WarehouseError: the file is open in a program that does not take the lock, is corrupt, or the disk is full.
        """
        with self.writer(purpose):
            if self._connection is not None:
                yield self._connection
                return
            if self._is_written_by_others():
                self._progress = None
            connection = self._connection = self._open()
            try:
                yield connection
            except _FILE_ERRORS as error:
                raise self._explain(error) from error
            except RuntimeError as error:
                # DuckDB turns an interrupt into an error of the query under way. Taken for one, the run would go on,
                # and its next connection would wait for ever for that query to let go of the file.
                if str(error) == "Query interrupted":
                    connection.interrupt()
                    raise KeyboardInterrupt from error
                raise
            finally:
                self._connection = None
                try:
                    connection.close()
                except duckdb.Error as error:
                    raise self._explain(error) from error
                self._state_left = self._state()

    def prepare(self, market: Market, datasets: Iterable[Dataset]) -> None:
        """Create what is missing of schemas, raw and ops tables, and refresh `ops.market` and `ops.datasets`.

        A column that a descriptor declares since the table was made is added to it, null in older vintages.

        Raises:
            WarehouseError: the file cannot be used, holds another market, or has a declared column with another type.
        """
        datasets = tuple(datasets)
        with self.connect("preparing tables") as connection, _transaction(connection):
            connection.execute("create schema if not exists raw; create schema if not exists ops")
            known = _known_tables(connection)
            for name, (description, columns) in OPS_TABLES.items():
                self._shape(connection, known, "ops", name, description, columns)
            for dataset in datasets:
                description = f"{dataset.description} {dataset.grain[0].upper()}{dataset.grain[1:]} and vintage."
                self._shape(connection, known, "raw", dataset.table, description, raw_columns(dataset))
            self._sign_market(connection, market)
            _replace(connection, "ops.datasets", _dataset_rows(datasets), OPS_TABLES["datasets"][1])

    def progress(self, dataset: Dataset) -> Progress:
        """How far a dataset has come.

        Read for all datasets at once, and again only if this dataset was landed or somebody else has written since:
        opening the file costs more than the question.
        """
        with self.writer(f"looking up {dataset.table}"):
            if self._progress is None or self._is_written_by_others():
                with self.connect("looking up what has landed") as connection:
                    self._progress = _progress(connection)
            return self._progress.get(dataset.table, Progress(0, (), ()))

    def land(self, landing: Landing) -> Landed:
        """Add the rows that are new or differ from the newest vintage of their key, in one transaction.

        The table is read only between the time bounds of the incoming rows, which stand in the query as literals: the
        cost follows the rows, not the table.

        `_available_at` of an added row is its `_vintage_at` (basis `observed`) if it came no later than it could be
        known, if it restates a known key, or if an earlier complete landing had looked for it after that and it was not
        there. Otherwise it is the instant from which it could be known (basis `assumed`): a look before that instant
        says nothing against it.

        Raises:
            WarehouseError: the file cannot be used. Nothing of the landing is in the warehouse then.
        """
        with self.connect(f"landing {landing.dataset.table} {landing.window}") as connection:
            with _transaction(connection):
                landed = self._land(connection, landing)
            if self._progress is not None:
                self._progress[landing.dataset.table] = _progress(connection, landing.dataset.table)[
                    landing.dataset.table
                ]
            return landed

    def forget(self, dataset: Dataset) -> None:
        """Empty a dataset's raw table and its history in ops, so that it can be landed again from the archive.

        Raises:
            WarehouseError: the file cannot be used.
        """
        with self.connect(f"emptying {dataset.table}") as connection, _transaction(connection):
            connection.execute(f'delete from raw."{dataset.table}"')
            for name in ("retrievals", "landings", "novelties", "restatements", "findings"):
                connection.execute(f"delete from ops.{name} where table_name = ?", [dataset.table])
            self._progress = None

    def note_build(self, run_id: str, code_version: str, started_at: datetime) -> None:
        """Say which build is under way; what it prints for the first time carries this."""
        row = {"run_id": run_id, "code_version": code_version, "started_at": started_at}
        with self.connect("noting the build") as connection, _transaction(connection):
            _replace(connection, "ops.builds", [row], OPS_TABLES["builds"][1])

    def ops(self, tables: Iterable[str]) -> dict[str, pl.DataFrame]:
        """Rows of ops tables by name."""
        with self.connect("reading what happened") as connection:
            return {table: read_frame(connection, f"ops.{table}", table) for table in tables}

    def append(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Add rows to ops tables, by name, in one transaction."""
        with self.connect("writing down what happened") as connection, _transaction(connection):
            for table, frame in frames.items():
                _append(connection, f"ops.{table}", frame, OPS_TABLES[table][1])

    def standing(self, dataset: Dataset) -> tuple[int, datetime | None]:
        """Rows in the raw table, and the end of the newest period that has one."""
        with self.connect(f"looking up {dataset.table}") as connection:
            return _standing(connection, dataset)

    def _acquire(self, lock: FileLock) -> None:
        deadline = time.monotonic() + self._settings.lock_timeout_seconds
        is_told = False
        while True:
            try:
                # Short rounds: the first one ends soon enough to tell a person why nothing happens.
                lock.acquire(timeout=min(1.0, max(0.0, deadline - time.monotonic())), poll_interval=0.02)
                return
            except Timeout:
                holder = self.holder() or {}
                who = f"process {holder.get('pid', 'unknown')}, since {holder.get('since', 'unknown')}"
                if time.monotonic() >= deadline:
                    raise WarehouseBusy(
                        f"{self.path} is being written by another process ({who}, {holder.get('purpose', 'unknown')}); "
                        "run again when it has finished"
                    ) from None
                if not is_told:
                    self._observer.waiting(f"waiting for the warehouse: {who}, {holder.get('purpose', 'unknown')}")
                    is_told = True

    def _state(self) -> tuple[tuple[int, int] | None, ...]:
        """Changes whenever somebody writes the file."""
        states: list[tuple[int, int] | None] = []
        for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                states.append(None)
            else:
                states.append((stat.st_mtime_ns, stat.st_size))
        return tuple(states)

    def _is_written_by_others(self) -> bool:
        return self._state_left != self._state()

    def _sign(self, purpose: str) -> None:
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._holder_path.write_text(json.dumps({"pid": os.getpid(), "since": since, "purpose": purpose}))

    def _open(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self._settings.memory_limit,
            "threads": self._settings.threads,
        }
        try:
            connection = duckdb.connect(str(self.path), config=config)
            connection.execute("set TimeZone = 'UTC'")
        except duckdb.Error as error:
            raise self._explain(error) from error
        return connection

    def _explain(self, error: duckdb.Error) -> WarehouseError:
        said = " ".join(str(error).split())
        if "Could not set lock" in said or "Conflicting lock" in said:
            remedy = "close the program that has it open; people read the published file instead"
        elif "No space left" in said or "failed to write" in said.lower() or "could not write" in said.lower():
            remedy = "the disk is full: free some space and run again, nothing half-written remains"
        elif isinstance(error, duckdb.OutOfMemoryException):
            remedy = "raise UNDERTOW_MEMORY_LIMIT or refresh in shorter windows"
        else:
            remedy = "if it is damaged, move it away and run `undertow refresh`: the archive rebuilds the raw tables"
        return WarehouseError(f"{self.path} cannot be used: {said[:240]} ({remedy})")

    def _shape(
        self,
        connection: duckdb.DuckDBPyConnection,
        known: Mapping[tuple[str, str], Mapping[str, tuple[str, str | None]]],
        schema: str,
        table: str,
        description: str,
        columns: Mapping[str, tuple[str, str]],
    ) -> None:
        """Bring one table and its comments to the declared shape."""
        present = known.get((schema, table), {})
        name = f'{schema}."{table}"'
        if not present:
            declared = ", ".join(f'"{column}" {dtype}' for column, (dtype, _) in columns.items())
            connection.execute(f"create table {name} ({declared})")
        if not present or present[""][1] != description:
            connection.execute(f"comment on table {name} is {text_sql(description)}")
        for column, (dtype, comment) in columns.items():
            has_type, has_comment = present.get(column, (None, None))
            if present and has_type is None:
                connection.execute(f'alter table {name} add column "{column}" {dtype}')
            elif present and has_type != _full_type(dtype):
                raise WarehouseError(
                    f"{self.path}: column {schema}.{table}.{column} is {has_type}, declared {dtype}; "
                    "give the column a new name, or move the file away and run `undertow refresh` to rebuild it"
                )
            if has_comment != comment:
                connection.execute(f'comment on column {name}."{column}" is {text_sql(comment)}')

    def _sign_market(self, connection: duckdb.DuckDBPyConnection, market: Market) -> None:
        there = connection.execute("select market, title from ops.market").fetchone()
        # Two recordings share a name but not their data.
        if there and (there[0] != market.name or (market.name == "recorded" and there[1] != market.title)):
            raise WarehouseError(f"{self.path} holds {there[1]!r}, not {market.title!r}; use another UNDERTOW_HOME")
        row = {
            "market": market.name,
            "title": market.title,
            "is_simulated": market.is_simulated,
            "now_at": market.now(),
        }
        _replace(connection, "ops.market", [row], OPS_TABLES["market"][1])

    def _land(self, connection: duckdb.DuckDBPyConnection, landing: Landing) -> Landed:
        dataset = landing.dataset
        rows = landing.rows.unique(dataset.key, keep="last", maintain_order=True)
        counts = {"new": 0, "changed": 0, "observed": 0, "assumed": 0}
        if not rows.is_empty():
            counts = self._add(connection, landing, rows)
        if landing.error_kind == NotRecorded.__name__:
            status = "not_recorded"
        elif landing.error_kind:
            status = "failed"
        elif counts["new"] or counts["changed"]:
            status = "landed"
        else:
            status = "empty" if landing.rows.is_empty() else "unchanged"
        total, newest = _standing(connection, dataset)
        landed = Landed(
            status=status,
            fetched_row_count=landing.rows.height,
            new_row_count=counts["new"],
            changed_row_count=counts["changed"],
            duplicate_row_count=landing.rows.height - rows.height,
            conflicting_row_count=landing.rows.select(list(dataset.schema)).n_unique() - rows.height,
            observed_row_count=counts["observed"],
            assumed_row_count=counts["assumed"],
            total_row_count=total,
            newest_period_end=newest,
        )
        self._record(connection, landing, landed)
        return landed

    def _add(self, connection: duckdb.DuckDBPyConnection, landing: Landing, rows: pl.DataFrame) -> dict[str, int]:
        dataset = landing.dataset
        begins = pl.col(dataset.time_column)
        if dataset.schema[dataset.time_column] == pl.Date:
            begins = begins.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        rows = (
            rows.sort(dataset.time_column, maintain_order=True)
            .with_columns(
                _begins_at=begins.cast(UTC_DATETIME),
                _knowable_at=dataset.knowable_at().cast(UTC_DATETIME),
            )
            .pipe(self._with_looked_until, connection, dataset)
        )
        columns = [f'"{name}"' for name in dataset.schema]
        keys = [f'"{name}"' for name in dataset.key]
        values = [name for name in columns if name not in keys]
        differs = " or ".join(f"incoming.{name} is distinct from newest.{name}" for name in values) or "false"
        bounds = " and ".join(
            f'"{dataset.time_column}" {sign} {literal_sql(bound)}'
            for sign, bound in ((">=", rows[dataset.time_column].min()), ("<=", rows[dataset.time_column].max()))
        )
        connection.register("incoming_rows", rows.to_arrow())
        try:
            # rowid orders the vintages of one instant: a market whose clock stands still can restate, too.
            connection.execute(
                f"""
                create or replace temp table added as
                with newest as (
                    select {", ".join(columns)}, _vintage_at
                    from raw."{dataset.table}"
                    where {bounds}
                    qualify row_number() over (partition by {", ".join(keys)} order by _vintage_at desc, rowid desc) = 1
                ),

                differing as (
                    select
                        incoming.*,
                        newest.{keys[0]} is not null as is_restated,
                        newest._vintage_at as _given_at,
                        {"".join(f"newest.{name} as {_before(name)}, " for name in values)}
                    from incoming_rows as incoming
                    left join newest on {" and ".join(f"incoming.{key} = newest.{key}" for key in keys)}
                    where newest.{keys[0]} is null or {differs}
                )

                select
                    *,
                    _vintage_at <= _knowable_at
                        or is_restated
                        or coalesce(_looked_until > _knowable_at, false) as is_observed,
                from differing
                """
            )
        finally:
            connection.unregister("incoming_rows")
        connection.execute(
            f"""
            insert into raw."{dataset.table}" ({", ".join(columns)}, {", ".join(BOOKKEEPING)})
            select
                {", ".join(columns)},
                _vintage_at,
                case when is_observed then _vintage_at else _knowable_at end,
                case when is_observed then 'observed' else 'assumed' end,
                _body_sha256,
                ?
            from added
            order by "{dataset.time_column}"
            """,
            [landing.run_id],
        )
        counts = _one(
            connection,
            """
            select
                count(*) filter (where not is_restated),
                count(*) filter (where is_restated),
                count(*) filter (where is_observed),
                count(*) filter (where not is_observed),
            from added
            """,
        )
        if counts[1]:
            self._record_restatements(connection, landing)
        connection.execute("drop table added")
        return dict(zip(("new", "changed", "observed", "assumed"), (int(n) for n in counts), strict=True))

    def _record_restatements(self, connection: duckdb.DuckDBPyConnection, landing: Landing) -> None:
        """Keep what changed, figure by figure."""
        dataset = landing.dataset
        for name, dtype in dataset.schema.items():
            if name in dataset.key:
                continue
            before, after = _before(f'"{name}"'), f'"{name}"'
            is_number = dtype in (pl.Float64, pl.Int64)
            change = f"({after} - {before}) / nullif(abs({before}), 0)" if is_number else "null"
            connection.execute(
                f"""
                insert into ops.restatements
                select
                    ?,
                    _begins_at,
                    {entity_sql(dataset)},
                    ?,
                    cast({before} as varchar),
                    cast({after} as varchar),
                    {change},
                    _given_at,
                    _vintage_at,
                    ?
                from added
                where is_restated and {after} is distinct from {before}
                order by _begins_at
                """,
                [dataset.table, name, landing.run_id],
            )

    def _with_looked_until(
        self, rows: pl.DataFrame, connection: duckdb.DuckDBPyConnection, dataset: Dataset
    ) -> pl.DataFrame:
        """Add until when earlier complete landings had looked for each row, in one window that began before it.

        A landing has looked until the earlier of its window's end and its first response.
        """
        first, last = rows["_begins_at"].min(), rows["_begins_at"].max()
        looked = connection.sql(
            f"""
            with first_responses as (
                select run_id, window_start, window_end, min(retrieved_at) as retrieved_at
                from ops.retrievals
                where table_name = {text_sql(dataset.table)} and outcome <> 'companion'
                    and window_end > {literal_sql(first)}
                group by all
            )

            select window_start as _begins_at, max(least(window_end, retrieved_at)) as _looked_until
            from ops.landings
            inner join first_responses using (run_id, window_start, window_end)
            where table_name = {text_sql(dataset.table)} and status not in ('failed', 'not_recorded')
                and window_start <= {literal_sql(last)}
            group by all
            order by all
            """
        ).pl()
        looked = looked.cast({"_begins_at": UTC_DATETIME, "_looked_until": UTC_DATETIME})
        looked = looked.with_columns(pl.col("_looked_until").cum_max())
        return rows.join_asof(looked, on="_begins_at", strategy="backward", check_sortedness=False)

    def _record(self, connection: duckdb.DuckDBPyConnection, landing: Landing, landed: Landed) -> None:
        table, window = landing.dataset.table, landing.window
        row = {
            "run_id": landing.run_id,
            "table_name": table,
            "window_start": window.start,
            "window_end": window.end,
            "landed_at": landing.landed_at,
            "status": landed.status,
            "body_count": landing.body_count,
            "fetched_row_count": landed.fetched_row_count,
            "new_row_count": landed.new_row_count,
            "changed_row_count": landed.changed_row_count,
            "duplicate_row_count": landed.duplicate_row_count,
            "conflicting_row_count": landed.conflicting_row_count,
            "error_kind": landing.error_kind,
            "error_message": landing.error_message,
        }
        _append(connection, "ops.landings", [row], OPS_TABLES["landings"][1])
        retrievals = [
            {
                "table_name": table,
                "sequence": one.sequence,
                "run_id": one.run_id,
                "window_start": one.window.start,
                "window_end": one.window.end,
                "url": one.url,
                "params": one.params,
                "method": one.method,
                "content": one.content,
                "status": one.status,
                "sha256": one.sha256,
                "byte_count": one.byte_count,
                "retrieved_at": one.retrieved_at,
                "row_count": one.row_count,
                "outcome": one.outcome,
                "message": one.message,
                "series": one.series,
                "first_period_at": one.first_period_at,
                "last_period_at": one.last_period_at,
                "path": one.path,
            }
            for one in landing.retrievals
        ]
        _append(connection, "ops.retrievals", retrievals, OPS_TABLES["retrievals"][1])
        for column, (seen_at, sha256) in landing.novelties.items():
            connection.execute(
                """
                insert into ops.novelties
                select $table, $column, $at, $sha256
                where not exists (from ops.novelties where table_name = $table and column_name = $column)
                """,
                {"table": table, "column": column, "at": seen_at, "sha256": sha256},
            )


def _before(column: str) -> str:
    """The name under which a restated row carries what the column was."""
    return f'"_before {column[1:]}'


def entity_sql(dataset: Dataset) -> str:
    """SQL for the parts of a dataset's key other than time, as one text."""
    parts = [f'cast("{name}" as varchar)' for name in dataset.key if name != dataset.time_column]
    return f"concat_ws(' ', {', '.join(parts)})" if parts else "''"


def writer_lock(settings: Settings, purpose: str = "publishing") -> AbstractContextManager[None]:
    """The writer lock of a market's warehouse, for code that reads the file and must not meet a writer.

    Raises:
        WarehouseBusy: another process held it for longer than `lock_timeout_seconds`.
    """
    return Warehouse(settings).writer(purpose)


def ops_schema(table: str) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Columns of an ops table as frames have them."""
    return {name: _POLARS[dtype] for name, (dtype, _) in OPS_TABLES[table][1].items()}


def read_frame(connection: duckdb.DuckDBPyConnection, relation: str, table: str) -> pl.DataFrame:
    """Rows of a relation that has the columns of an ops table."""
    schema = ops_schema(table)
    names = ", ".join(f'"{name}"' for name in schema)
    return connection.sql(f"select {names} from {relation} order by all").pl().cast(schema)  # type: ignore[arg-type]


def raw_columns(dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Type and description of every column of a raw table, in order."""
    declared = {column.name: (_TYPES[column.dtype], column.description) for column in dataset.columns}
    return {**declared, **BOOKKEEPING}


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same spans of time in as few windows as possible, oldest first."""
    spans: list[Window] = []
    for window in sorted(windows, key=lambda one: one.start):
        if spans and window.start <= spans[-1].end:
            spans[-1] = Window(spans[-1].start, max(spans[-1].end, window.end))
        else:
            spans.append(window)
    return tuple(spans)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        try:
            connection.rollback()
        except duckdb.Error:
            # A fatal error has ended the transaction already; the first error is the one to show.
            pass
        raise
    connection.commit()


def _progress(connection: duckdb.DuckDBPyConnection, table: str | None = None) -> dict[str, Progress]:
    """How far every dataset has come, or one."""
    chosen = "true" if table is None else f"table_name = {text_sql(table)}"
    sequences = dict(
        connection.execute(
            f"select table_name, max(sequence) from ops.retrievals where {chosen} group by table_name"
        ).fetchall()
    )
    windows = connection.sql(
        f"""
        select table_name, status <> 'failed' as is_covered, window_start, max(window_end) as window_end
        from ops.landings
        where {chosen}
        group by all
        order by all
        """
    ).pl()
    asked: dict[str, list[Window]] = {name: [] for name in sequences}
    covered: dict[str, list[Window]] = {}
    for name, is_covered, start, end in windows.iter_rows():
        window = Window(_utc(start), _utc(end))
        asked.setdefault(name, []).append(window)
        if is_covered:
            covered.setdefault(name, []).append(window)
    return {
        name: Progress(int(sequences.get(name, 0)), merged(spans), merged(covered.get(name, [])))
        for name, spans in asked.items()
    }


def _standing(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> tuple[int, datetime | None]:
    # Both come from the table's statistics, whatever its size.
    name = dataset.time_column
    row = connection.sql(f'select count(*) as row_count, max("{name}") as "{name}" from raw."{dataset.table}"').pl()
    newest = row.cast({name: dataset.schema[name]}).select(dataset.period_end()).item()
    return int(row["row_count"].item()), None if newest is None else _utc(newest)


def _known_tables(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], dict[str, tuple[str, str | None]]]:
    """(schema, table) -> column -> (type, comment); the table's own comment stands under the empty name."""
    rows = connection.execute(
        """
        select schema_name, table_name, '' as column_name, 'TABLE' as data_type, comment
        from duckdb_tables() where schema_name in ('raw', 'ops') and database_name = current_database()
        union all
        select schema_name, table_name, column_name, data_type, comment
        from duckdb_columns() where schema_name in ('raw', 'ops') and database_name = current_database()
        """
    ).fetchall()
    known: dict[tuple[str, str], dict[str, tuple[str, str | None]]] = {}
    for schema, table, column, dtype, comment in rows:
        known.setdefault((schema, table), {})[column] = (dtype, comment)
    return known


def _dataset_rows(datasets: Sequence[Dataset]) -> list[dict[str, object]]:
    return [
        {
            "table_name": dataset.table,
            "provider": dataset.provider.name,
            "provider_title": dataset.provider.title,
            "dataset": dataset.name,
            "subject": dataset.subject,
            "description": dataset.description,
            "grain": dataset.grain,
            "licence": str(dataset.licence),
            "homepage": dataset.provider.homepage,
            "docs_url": dataset.docs_url,
            "cron": dataset.cadence.cron,
            "frequency": dataset.cadence.frequency,
            "lag_seconds": _seconds(dataset.cadence.lag),
            "stale_after_seconds": _seconds(dataset.cadence.stale_after),
            "revised_for_seconds": _seconds(dataset.cadence.revised_for),
            "needs_key": dataset.needs_key,
            "starts_on": dataset.starts_on,
        }
        for dataset in datasets
    ]


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, tuple[str, str]],
) -> None:
    connection.execute(f"delete from {table}")
    _append(connection, table, rows, columns)


def _append(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: Sequence[Mapping[str, object]] | pl.DataFrame,
    columns: Mapping[str, tuple[str, str]],
) -> None:
    if not len(rows):
        return
    frame = pl.DataFrame(rows, schema={name: _POLARS[dtype] for name, (dtype, _) in columns.items()})
    connection.register("rows_to_append", frame.to_arrow())
    try:
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(f"insert into {table} ({names}) select {names} from rows_to_append")
    finally:
        connection.unregister("rows_to_append")


def _one(connection: duckdb.DuckDBPyConnection, query: str, params: Sequence[object] = ()) -> tuple[int, ...]:
    row = connection.execute(query, list(params)).fetchone()
    assert row is not None, "an aggregate always has a row"
    return row


def _full_type(dtype: str) -> str:
    return "TIMESTAMP WITH TIME ZONE" if dtype == "TIMESTAMPTZ" else dtype


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def text_sql(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def literal_sql(value: object) -> str:
    if isinstance(value, datetime):
        return f"timestamptz '{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S.%f}+00'"
    if isinstance(value, date):
        return f"date '{value:%Y-%m-%d}'"
    raise TypeError(f"{value!r} is neither a date nor an instant")


def _utc(value: datetime) -> datetime:
    return value.astimezone(timezone.utc)
