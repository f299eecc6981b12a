"""The look-ahead proof: what is printed about a day follows from what was known at its cut-off, and from nothing later.

For a day, everything that became available after its cut-off is taken out of `raw`, the market's clock is set to the
cut-off, and the marts are computed again by the SQL of the build. What they say about the day then has to be what they
say with everything there. Every mart takes part that declares `known_by` in its properties: a date column claims that
the rows of a day can be known at its cut-off, an instant column that a row can be known from that instant on.

A figure that was restated after the cut-off rightly differs. On a day with a difference the marts are computed a third
time, with everything there except that figures known at the cut-off stay as they were then. If that equals the state at
the cut-off, the difference comes from restated figures and from nothing else, and the day is reported apart; if it does
not, something looked ahead.

Texts, dates, counts and ranks have to agree to the last bit. Doubles may differ by 1e-12: the engine adds up a running
sum in an order that depends on how many rows there are, and more rows are there now than then.
"""

from __future__ import annotations

import math
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from orchestration.as_of import HOUSE, Cut, Engine, Node, Project, Sharing, built_warehouse, compiled_project, cutoff_of
from orchestration.warehouse import literal_sql, text_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.settings import Settings
    from sources.dataset import Dataset

TOLERANCE = 1e-12
INDEX = "stress_index_daily"

_MOST_SHOWN = 5
Row = tuple[object, ...]


class CannotProve(Exception):
    """There is nothing that could be proved. The message is one line and names the way out."""


@dataclass(frozen=True)
class Difference:
    """What a mart says about a day, and said at its cut-off.

    Args:
        table: the mart.
        columns: its columns.
        then: the row at the cut-off; None if there was none.
        now: the row with everything there; None if there is none.
    """

    table: str
    columns: tuple[str, ...]
    then: Row | None
    now: Row | None

    def __str__(self) -> str:
        if self.then is None:
            return f"{self.table}: {_told(self.columns, self.now)} was not there"
        if self.now is None:
            return f"{self.table}: {_told(self.columns, self.then)} is not there any more"
        moved = [
            f"{name} was {one!r} and is {two!r}"
            for name, one, two in zip(self.columns, self.then, self.now, strict=True)
            if not _same(one, two)
        ]
        return f"{self.table}: {_told(self.columns, self.now)}: {', '.join(moved)}"


@dataclass(frozen=True)
class DayProof:
    """What was found about a day.

    Args:
        day: the day.
        row_count: rows compared.
        largest: the largest difference of two doubles that count as equal.
        looked_ahead: differences that no restated figure explains.
        restated: differences that restated figures explain.
        sources: the tables with restated figures, how many rows each, and the first of them.
        hindsight: rows whose columns declared to be hindsight differ.
    """

    day: date
    row_count: int
    largest: float
    looked_ahead: tuple[Difference, ...] = ()
    restated: tuple[Difference, ...] = ()
    sources: Mapping[str, tuple[int, str]] | None = None
    hindsight: int = 0


def proving_models(project: Project, *, is_everything: bool, only: Sequence[str] = ()) -> list[Node]:
    """The marts that take part: the indices and their parts, or every mart that claims anything, or those named.

    Raises:
        CannotProve: a named mart claims nothing.
        orchestration.as_of.UnknownModel: there is no such mart.
    """
    if only:
        nodes = [project.by_name(name) for name in only]
        if silent := [node.name for node in nodes if node.known_by is None]:
            raise CannotProve(f"{', '.join(silent)} does not say by when its rows are known (meta known_by)")
        return nodes
    return [node for node in project.claiming() if is_everything or node.name.startswith(("stress_", "vulnerability_"))]


def printed_days(warehouse: Path, first: date | None, last: date | None) -> list[date]:
    """Days from the first print to the last, within bounds. A day between them without a print takes part, too.

    Raises:
        CannotProve: there is none.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {text_sql(str(warehouse))} as house (read_only)")
        try:
            found = connection.execute(f"select min(date), max(date) from house.marts.{INDEX}").fetchone()
        except duckdb.CatalogException:
            found = None
    if not found or found[0] is None:
        raise CannotProve("there is no print to prove; run `undertow refresh` first")
    begin, end = max(found[0], first or found[0]), min(found[1], last or found[1])
    if begin > end:
        raise CannotProve(f"there is no print in that span: the first is of {found[0]}, the last of {found[1]}")
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def choose(days: Sequence[date], count: int, seed: int) -> list[date]:
    """So many of the days, at random but the same for the same seed; all of them if there are fewer."""
    return sorted(random.Random(seed).sample(list(days), min(count, len(days))))


@contextmanager
def standing_copy(settings: Settings) -> Iterator[Path]:
    """A copy of the warehouse that nobody writes, so that refreshes need not wait for a proof.

    Raises:
        orchestration.as_of.NotBuilt: the marts do not come from one build of this project.
        orchestration.warehouse.WarehouseBusy: another process keeps the warehouse locked.
    """
    settings.market_home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.market_home, prefix="proof-") as folder:
        copy = Path(folder) / settings.warehouse_path.name
        with built_warehouse(settings, "copying the warehouse for a proof"):
            shutil.copyfile(settings.warehouse_path, copy)
        yield copy


def prove(
    settings: Settings,
    warehouse: Path,
    datasets: Mapping[str, Dataset],
    days: Sequence[date],
    models: Sequence[Node],
    on_day: Callable[[DayProof], None] = lambda _: None,
    *,
    sharing: Sharing = "computed",
    jobs: int = 1,
) -> list[DayProof]:
    """Prove days one by one, several at once.

    Args:
        settings: whose project.
        warehouse: a file that nobody writes meanwhile.
        datasets: by raw table.
        days: which days.
        models: marts that take part, each with a claim.
        on_day: is told of every day, from the thread that called.
        sharing: where the large hourly models come from, see `Engine`.
        jobs: how many days at once.

    Raises:
        duckdb.Error: the warehouse lacks what the project reads.
    """
    project = compiled_project(settings)
    local = threading.local()
    engines: list[Engine] = []

    def open_engine() -> None:
        local.engine = Engine(project, warehouse, datasets, memory_limit=settings.memory_limit, sharing=sharing)
        engines.append(local.engine)

    def one(day: date) -> DayProof:
        return prove_day(local.engine, models, day)

    found: list[DayProof] = []
    waiting: list[Future[DayProof]] = []
    pool = ThreadPoolExecutor(max(1, min(jobs, len(days))), initializer=open_engine)
    try:
        waiting = [pool.submit(one, day) for day in days]
        for future in as_completed(waiting):
            proof = future.result()
            on_day(proof)
            found.append(proof)
    finally:
        # Ctrl-C or an error: days that have not begun are left, those under way are told to stop.
        for future in waiting:
            future.cancel()
        for engine in engines:
            engine.connection.interrupt()
        pool.shutdown()
        for engine in engines:
            engine.close()
    return sorted(found, key=lambda proof: proof.day)


def prove_day(engine: Engine, models: Sequence[Node], day: date) -> DayProof:
    """Compare what is said about a day with what was said at its cut-off.

    Raises:
        duckdb.Error: the warehouse lacks what the project reads.
    """
    names = [model.name for model in models]
    cutoff = cutoff_of(day)
    engine.compute(names, Cut(cutoff))
    connection = engine.connection
    row_count = 0
    for model in models:
        connection.execute(f"create or replace table kept.{_then(model)} as {_rows(model, '', day)}")
        row_count += _count(connection, f"kept.{_then(model)}")
    differences, largest, hindsight = _compared(connection, models, lambda model: _rows(model, f"{HOUSE}.", day))
    if not differences:
        return DayProof(day, row_count, largest, hindsight=hindsight)
    sources = engine.restated_tables(names, cutoff)
    if not sources:
        return DayProof(day, row_count, largest, tuple(differences), hindsight=hindsight)
    engine.compute(names, Cut(cutoff, frozen=frozenset(sources)))
    ahead, _, _ = _compared(connection, models, lambda model: _rows(model, "", day))
    return DayProof(day, row_count, largest, tuple(ahead), () if ahead else tuple(differences), sources, hindsight)


def _compared(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Node], now_sql: Callable[[Node], str]
) -> tuple[list[Difference], float, int]:
    """Differences between what was kept of the state at the cut-off and another state."""
    differences: list[Difference] = []
    largest, hindsight = 0.0, 0
    for model in models:
        then_sql = f"from kept.{_then(model)}"
        then = connection.execute(f"({then_sql}) except all ({now_sql(model)})").fetchall()
        now = connection.execute(f"({now_sql(model)}) except all ({then_sql})").fetchall()
        columns = tuple(column[0] for column in connection.description or ())
        for one, two in _paired(then, now):
            if one is not None and two is not None and _is_alike(columns, one, two, frozenset(model.hindsight)):
                spread = [
                    abs(a - b)
                    for name, a, b in zip(columns, one, two, strict=True)
                    if isinstance(a, float) and isinstance(b, float) and name not in model.hindsight
                ]
                largest = max([largest, *spread])
                hindsight += any(
                    not _same(a, b) for name, a, b in zip(columns, one, two, strict=True) if name in model.hindsight
                )
            else:
                differences.append(Difference(f"{model.schema}.{model.name}", columns, one, two))
    return differences, largest, hindsight


def _rows(model: Node, catalog: str, day: date) -> str:
    """The rows of a mart about which something is claimed at the cut-off of a day."""
    assert model.known_by is not None
    # A date stands for its cut-off; of instants, everything up to the cut-off was known.
    column = f'"{model.known_by}"'
    is_date = model.known_by.endswith("date")
    condition = f"{column} = {literal_sql(day)}" if is_date else f"{column} <= {literal_sql(cutoff_of(day))}"
    return f"select * from {catalog}{model.relation} where {condition}"


def _then(model: Node) -> str:
    return f'"{model.schema} {model.name}"'


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


def _paired(then: Sequence[Row], now: Sequence[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows that are about the same thing, side by side: those that agree in their keys, as far as types tell them."""
    left: dict[Row, list[Row]] = {}
    for row in then:
        left.setdefault(_key(row), []).append(row)
    for row in now:
        partners = left.get(_key(row))
        yield (partners.pop(0) if partners else None), row
    for rows in left.values():
        for row in rows:
            yield row, None


def _key(row: Row) -> Row:
    """Leading dates and texts: marts begin with their keys."""
    key = []
    for value in row:
        if not isinstance(value, str | date):
            break
        key.append(value)
    return tuple(key)


def _is_alike(columns: Sequence[str], one: Row, two: Row, but: frozenset[str]) -> bool:
    return all(name in but or _same(a, b) for name, a, b in zip(columns, one, two, strict=True))


def _same(one: object, two: object) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        if math.isnan(one) or math.isnan(two):
            return math.isnan(one) and math.isnan(two)
        return abs(one - two) <= TOLERANCE * max(1.0, abs(one), abs(two))
    return one == two


def _told(columns: Sequence[str], row: Row | None) -> str:
    """The key of a row, in words."""
    assert row is not None
    key = _key(row)
    return " ".join(f"{name}={value}" for name, value in zip(columns, key, strict=False)) or repr(row[:_MOST_SHOWN])
