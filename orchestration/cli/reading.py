"""What the commands ask of the published database, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.cli.mistakes import Failure, Mistake
from orchestration.publishing.published import NotPublished, Published

if TYPE_CHECKING:
    import duckdb

    from orchestration.settings import Settings

Row = dict[str, Any]

PILLARS_NEEDED = 4
"""Pillars without which a day has no print (method, step 6)."""


@dataclass(frozen=True)
class Why:
    """Everything behind one day's print, or behind there being none.

    Args:
        date: the day.
        index: its row of `stress_index_daily`; None if there is no print.
        reason: why there is no print; None if there is one.
        pillars: score and points of each pillar, largest contribution first; its inputs under `indicators`.
        previous: the print of the day before; None if there is none.
        changes: terms that add up to the change since the day before, largest first; empty without `previous`.
        without: inputs of the register that have no part in the day, as macro `missing` gives them.
        printed: its first print beside what is computed now, as macro `printed` gives them; None if it has neither.
        evidence: the raw tables behind each input of the first print, as macro `evidence` gives them.
    """

    date: date
    index: Row | None
    reason: str | None
    pillars: list[Row]
    previous: Row | None
    changes: list[Row]
    without: list[Row]
    printed: Row | None
    evidence: list[Row]

    @property
    def change_points(self) -> float | None:
        if self.index is None or self.previous is None:
            return None
        return float(self.index["cmsi"] - self.previous["cmsi"])

    @property
    def missing(self) -> list[Row]:
        """Inputs that should have counted and did not."""
        return [row for row in self.without if row["is_in_panel"]]

    @property
    def not_in_panel(self) -> list[Row]:
        """Inputs that have not entered the panel yet: they never had enough history."""
        return [row for row in self.without if not row["is_in_panel"]]


def open_published(
    settings: Settings, *, allow_files: bool = False, published: Published | None = None
) -> duckdb.DuckDBPyConnection:
    """The published database of a market, or another published folder of it.

    Raises:
        Failure: there is none yet; the message says how to get one, and which markets have one.
        duckdb.Error: the file cannot be opened.
    """
    try:
        return (published or Published(settings.published_path)).connect(allow_files=allow_files)
    except NotPublished:
        others = [
            name
            for name in ("live", "simulated", "recorded")
            if Published(settings.home / name / settings.published_path.name).current() is not None
        ]
        if others:
            there = f"there is one for {' and '.join(others)}, see --market"
        else:
            there = "or see a made-up market with `undertow demo`"
        raise Failure(
            f"nothing is published for the {settings.market_name} market in {settings.home} yet: run "
            f"`undertow refresh` ({there})"
        ) from None


def rows(connection: duckdb.DuckDBPyConnection, sql: str, parameters: object = None) -> list[Row]:
    """The rows of a query by column name."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def about(connection: duckdb.DuckDBPyConnection) -> Row:
    """The market the database was published from, and its clock at that moment."""
    return rows(connection, "from meta.about")[0]


def latest_print(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """The newest print, or None if no day could be printed yet."""
    found = rows(connection, "select * from marts.stress_index_daily order by date desc limit 1")
    return found[0] if found else None


def silence_since(connection: duckdb.DuckDBPyConnection, index: Row | None) -> str | None:
    """Why there is no print of the last day that could have one; None if there is one.

    Args:
        connection: the published database.
        index: its newest print, if any.
    """
    last: date = about(connection)["last_closed_date"]
    if index is not None and index["date"] >= last:
        return None
    return f"no print on {last}: {why(connection, last).reason}"


def sources(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The register as published: terms, freshness and last landing of every dataset."""
    return rows(connection, "select * from meta.sources order by table_name")


def why(connection: duckdb.DuckDBPyConnection, day: date) -> Why:
    """What is behind a day."""
    printed = {row["date"]: row for row in rows(connection, "from index_between(?, ?)", [day - timedelta(days=1), day])}
    pillars = rows(
        connection,
        """
        select scores.*, contributions.points
        from marts.stress_pillars_daily as scores
        left join marts.stress_contributions_daily as contributions using (date, pillar)
        where scores.date = ?
        order by contributions.points desc nulls last, scores.pillar
        """,
        [day],
    )
    inputs = rows(connection, "from why(?)", [day])
    for pillar in pillars:
        pillar["indicators"] = [row for row in inputs if row["pillar"] == pillar["pillar"]]
    index, previous = printed.get(day), printed.get(day - timedelta(days=1))
    changes = rows(connection, "from changed(?)", [day]) if index and previous else []
    reason = None if index else _reason(connection, day, pillars)
    without = rows(connection, "from missing(?)", [day])
    evidence = rows(connection, "from evidence(?)", [day])
    return Why(day, index, reason, pillars, previous, changes, without, first_print(connection, day), evidence)


def first_print(connection: duckdb.DuckDBPyConnection, day: date) -> Row | None:
    """The first print of a day beside what is computed now; None if there is neither."""
    found = rows(
        connection,
        """
        select
            latest.*,
            prints.input_hash,
            prints.input_count,
            prints.cutoff_at,
            prints.method_version,
            prints.code_version,
            prints.run_id
        from printed(?) as latest
        left join marts.stress_index_prints as prints using (date)
        """,
        [day],
    )
    return found[0] if found else None


@dataclass(frozen=True)
class Trace:
    """One input of a day's print, down to the archived responses.

    Args:
        date: the day.
        printed: the first print of the day; None if it has none.
        pillar: the input's pillar as printed, or as it is computed where there is no print.
        indicator: the input, the same way.
        bodies: archived responses, as macro `why_rows` gives them.
        restated: figures changed since the print, as macro `restated_rows` gives them.
    """

    date: date
    printed: Row | None
    pillar: Row | None
    indicator: Row
    bodies: list[Row]
    restated: list[Row]


def trace(connection: duckdb.DuckDBPyConnection, day: date, indicator: str) -> Trace:
    """An input of a day, down to the archived responses.

    Raises:
        Mistake: the register has no such indicator, or it has no part in the day.
    """
    register = {row["indicator"]: row for row in rows(connection, "from marts.stress_register order by indicator")}
    if indicator not in register:
        raise Mistake(f"no input of the index is called {indicator}; there are: {', '.join(register)}")
    first = first_print(connection, day)
    is_printed = first is not None and first["first_cmsi"] is not None
    inputs, scores = (
        ("stress_print_indicators", "stress_print_pillars")
        if is_printed
        else ("stress_indicators_daily", "stress_pillars_daily")
    )
    found = rows(connection, f"from marts.{inputs} where date = ? and indicator = ?", [day, indicator])
    if not found:
        raise Mistake(f"{indicator} has no part in {day}: it has no ranked figure by then")
    pillars = rows(connection, f"from marts.{scores} where date = ? and pillar = ?", [day, found[0]["pillar"]])
    described = {**register[indicator], **found[0]}
    bodies = rows(connection, "from why_rows(?, ?)", [day, indicator])
    restated = rows(connection, "from restated_rows(?) where indicator = ?", [day, indicator])
    return Trace(day, first if is_printed else None, pillars[0] if pillars else None, described, bodies, restated)


def _reason(connection: duckdb.DuckDBPyConnection, day: date, pillars: list[Row]) -> str:
    """Why a day has no print."""
    last_closed: date = about(connection)["last_closed_date"]
    if day > last_closed:
        return f"the day is not over by the market's clock; the last day that can be printed is {last_closed}"
    ((first,),) = connection.execute("select min(date) from marts.stress_pillars_daily").fetchall()
    if first is None or day < first:
        return "no input has enough history yet to be ranked" + (f"; the first ranks are of {first}" if first else "")
    usable = [pillar["pillar"] for pillar in pillars if pillar["is_usable"]]
    absent = [_absence(pillar) for pillar in pillars if not pillar["is_usable"]]
    known = {pillar["pillar"] for pillar in pillars}
    register = rows(connection, "select distinct pillar from marts.stress_register order by pillar")
    if outside := [row["pillar"] for row in register if row["pillar"] not in known]:
        absent.append(f"{', '.join(outside)} {'has' if len(outside) == 1 else 'have'} too little history to be ranked")
    return f"{len(usable)} of the {PILLARS_NEEDED} pillars that a print needs count: {'; '.join(absent)}"


def _absence(pillar: Row) -> str:
    if pillar["is_valid"]:
        return f"{pillar['pillar']} has too few days of its own so far"
    return f"{pillar['pillar']} has {100 * (pillar['fresh_weight_ratio'] or 0):.0f} % of its weight fresh"


def age_of(row: Row, now: datetime) -> timedelta | None:
    """Age of a dataset's newest period at an instant; None if it has no rows."""
    newest: datetime | None = row["newest_period_at"]
    return None if newest is None else now - newest
