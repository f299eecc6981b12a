"""The journal of first prints: what was printed first stays as it is, whatever happens to the warehouse.

    <archive>/_prints/cmsi.jsonl

One line per printed day, with everything the print is explained by, appended and flushed to disk when a build has
passed its checks and before anybody gets to read it. Each line holds the hash of the line before, so a line that was
changed or taken out shows. `ops.prints` and its parts repeat the journal for dbt, which adds the days it does not have.

A run can be killed anywhere: before the line is whole, the day was never published and is printed by the next build;
after it, the next build finds the line and takes the day from there. A lost warehouse is filled from the journal, a
lost journal from the warehouse; where the two disagree, nothing is built or published until a person has looked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from orchestration.warehouse import ops_schema, read_frame

if TYPE_CHECKING:
    import duckdb

    from orchestration.warehouse import Warehouse

PARTS: Mapping[str, str] = {
    "prints": "marts.stress_index_prints",
    "print_pillars": "marts.stress_print_pillars",
    "print_correlations": "marts.stress_print_correlations",
    "print_indicators": "marts.stress_print_indicators",
    "print_terms": "intermediate.int_print_terms",
}
"""Tables of schema ops, and the relation in which dbt puts the same days and those just printed."""

Prints = dict[str, pl.DataFrame]
"""Rows by table of schema ops."""


class PrintsDiffer(Exception):
    """The journal is damaged, or the warehouse says something else. The message is one line: what, where, way out."""


class Journal:
    """The journal of one market. Whoever writes holds the warehouse's writer lock.

    Args:
        archive: the market's archive folder.
    """

    def __init__(self, archive: Path) -> None:
        self.path = archive / "_prints" / "cmsi.jsonl"

    def read(self) -> Prints:
        """Every print ever made; a column that is younger than a line is null in it.

        Raises:
            PrintsDiffer: a line was changed, taken out or put in, or a day stands there twice.
        """
        if not self.path.exists():
            return {part: _frame(part, []) for part in PARTS}
        state = self.path.stat()
        return dict(_read(self.path, state.st_mtime_ns, state.st_size))

    def _parse(self) -> Prints:
        rows: dict[str, list[Sequence[Any]]] = {part: [] for part in PARTS}
        places: dict[str, list[int | None]] = {}
        days: set[str] = set()
        before = ""
        for number, line in enumerate(self._lines(), start=1):
            try:
                entry = json.loads(line)
                is_genuine = entry["before"] == before and entry.get("date") not in days
                if "columns" in entry:
                    places = {part: _places(entry["columns"].get(part, []), part) for part in PARTS}
                else:
                    days.add(entry["date"])
                    for part in PARTS:
                        rows[part].extend(_placed(row, places[part]) for row in entry["rows"].get(part, []))
            except (ValueError, KeyError, TypeError, IndexError):
                is_genuine = False
            if not is_genuine:
                raise PrintsDiffer(
                    f"{self.path}, line {number}, or the one before it, is not as it was written; put the "
                    "file back from a backup"
                )
            before = _hash(line)
        return {part: _frame(part, found) for part, found in rows.items()}

    def append(self, prints: Mapping[str, pl.DataFrame]) -> None:
        """Add days and have them on disk before returning.

        Raises:
            OSError: disk full, no permission. A day whose line is whole is in the journal, the others are not.
        """
        by_day: dict[date, dict[str, list[Sequence[Any]]]] = {
            day: {part: [] for part in PARTS} for day in sorted(prints["prints"]["date"])
        }
        for part in PARTS:
            for row in prints[part].select(list(ops_schema(part))).iter_rows():
                by_day[row[0]][part].append(row)
        entries: list[dict[str, Any]] = [{"date": day, "rows": rows} for day, rows in by_day.items()]
        lines = self._lines()
        columns = {part: list(ops_schema(part)) for part in PARTS}
        if _last_columns(lines) != columns:
            entries.insert(0, {"columns": columns})
        before = _hash(lines[-1]) if lines else ""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab") as journal:
            # A writer that was killed inside a line left a torn one, which nobody got to see.
            journal.truncate(sum(len(line) + 1 for line in lines))
            for entry in entries:
                line = json.dumps({"before": before, **entry}, default=_text, separators=(",", ":")).encode()
                journal.write(line + b"\n")
                before = _hash(line)
            journal.flush()
            os.fsync(journal.fileno())
        _flush_folder(self.path.parent)

    def _lines(self) -> list[bytes]:
        """Whole lines: one without its line break was cut off while it was being written."""
        return self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []


@lru_cache(maxsize=1)
def _read(path: Path, written_at: int, byte_count: int) -> Prints:
    """The journal in this state of the file: a refresh asks for it several times."""
    return Journal(path.parent.parent)._parse()


def restore(archive: Path, warehouse: Warehouse) -> None:
    """Make `ops` repeat the journal, before a build.

    Raises:
        PrintsDiffer: the journal is damaged, or the two say different things about a day.
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    journal = Journal(archive)
    kept, there = journal.read(), warehouse.ops(PARTS)
    kept_days, there_days = _days(kept), _days(there)
    both = kept_days & there_days
    if (day := _first_difference(_of(kept, both), _of(there, both))) is not None:
        raise PrintsDiffer(
            f"the warehouse has another first print of {day} than {journal.path}: if the journal is right, move the "
            "warehouse away and run `undertow refresh`, which fills it from the archive"
        )
    if lost := there_days - kept_days:
        journal.append(_of(there, lost))
    if missing := kept_days - there_days:
        warehouse.append(_of(kept, missing))


def record(archive: Path, warehouse: Warehouse) -> list[date]:
    """Write down the days that a build which passed its checks has printed for the first time; return them.

    Raises:
        OSError: the journal cannot be written.
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    with warehouse.connect("looking for first prints") as connection:
        if not _relations(connection):
            return []
        built = _built(connection, " where date not in (select date from ops.prints)")
    days = sorted(built["prints"]["date"])
    if days:
        Journal(archive).append(built)
        warehouse.append(built)
    return days


def verify(archive: Path, warehouse: Warehouse) -> None:
    """Hold the prints that readers are about to get against the journal.

    Raises:
        PrintsDiffer: the journal is damaged, or a print in the tables is not the one in the journal.
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    journal = Journal(archive)
    with warehouse.connect("holding the prints against the journal") as connection:
        has_relations = _relations(connection)
        if not has_relations and not journal.path.exists():
            return
        built = _built(connection) if has_relations else {part: _frame(part, []) for part in PARTS}
    if (day := _first_difference(journal.read(), built)) is not None:
        raise PrintsDiffer(
            f"the first print of {day} in the tables is not the one in {journal.path}: a print never changes, so "
            "nothing is published; `undertow refresh --force` builds the tables from the journal again"
        )


def _relations(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether dbt has made the tables of the ledger."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    return {name for (name,) in rows} >= set(PARTS.values())


def _built(connection: duckdb.DuckDBPyConnection, condition: str = "") -> Prints:
    return {part: read_frame(connection, f"{relation}{condition}", part) for part, relation in PARTS.items()}


def _first_difference(one: Prints, two: Prints) -> date | None:
    """The first day of which the two do not say the same, to the last bit."""
    days = [
        day
        for part in PARTS
        for left, right in ((one[part], two[part]), (two[part], one[part]))
        for day in left.join(right, on=left.columns, how="anti", nulls_equal=True)["date"]
    ]
    return min(days, default=None)


def _days(prints: Prints) -> set[date]:
    return set(prints["prints"]["date"])


def _of(prints: Prints, days: set[date]) -> Prints:
    chosen = pl.Series("date", sorted(days), dtype=pl.Date)
    return {part: frame.filter(pl.col("date").is_in(chosen.implode())) for part, frame in prints.items()}


def _frame(part: str, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Rows of the journal in their types. Dates and instants are texts there."""
    schema = ops_schema(part)
    as_text = {name: pl.String if dtype.is_temporal() else dtype for name, dtype in schema.items()}
    frame = pl.DataFrame(rows, schema=as_text, orient="row")
    return frame.with_columns(
        pl.col(name).str.to_date()
        if dtype == pl.Date
        else pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC")
        for name, dtype in schema.items()
        if dtype.is_temporal()
    )


def _places(written: Sequence[str], part: str) -> list[int | None]:
    """Where each column stands in the rows of lines that were written with these columns."""
    return [written.index(name) if name in written else None for name in ops_schema(part)]


def _placed(row: Sequence[Any], places: Sequence[int | None]) -> list[Any]:
    return [None if place is None else row[place] for place in places]


def _last_columns(lines: Sequence[bytes]) -> dict[str, list[str]] | None:
    for line in reversed(lines):
        if b'"columns":' in line:
            return dict(json.loads(line)["columns"])
    return None


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in the journal")


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open folders.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
