"""`undertow why`: a print taken apart, down to the inputs behind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from orchestration.cli import console, reading
from orchestration.cli.mistakes import Mistake, parse_day

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from orchestration.publishing.published import Published
    from orchestration.settings import Settings

_SHOWN_CHANGES = 8
_VISIBLE_POINTS = 0.005
_SHOWN_BODIES = 8


def explain(settings: Settings, day_text: str | None, *, as_json: bool, published: Published | None = None) -> None:
    """Write what is behind the print of a day, or why it has none.

    Args:
        settings: whose published file.
        day_text: the day; None for the newest print.
        as_json: for programs instead of people.
        published: the folder to read; the market's own if not given.

    Raises:
        Failure: nothing is published yet.
        Mistake: the day is none.
    """
    with reading.open_published(settings, published=published) as connection:
        about = reading.about(connection)
        found = reading.why(connection, _day(connection, about, day_text))
    if as_json:
        console.print_json(as_dict(found, about))
        return
    out = console.stdout()
    if about["is_simulated"]:
        out.print(console.text(about["title"], "bold magenta"))
    if about.get("as_of_at") is not None:
        out.print(console.text(f"as of {console.instant(about['as_of_at'])}", "bold"))
    out.print(tree(found))
    if found.printed is not None:
        out.print(first_print(found.printed))
    if found.not_in_panel:
        out.print(not_in_panel(found))
    if found.index is not None:
        out.print()
        out.print(change(found, _SHOWN_CHANGES))


def trace(settings: Settings, day_text: str | None, indicator: str, *, as_json: bool) -> None:
    """Write what an input of a day's print is made of, down to the archived responses.

    Args:
        settings: whose published file and archive.
        day_text: the day; None for the newest print.
        indicator: the input.
        as_json: for programs instead of people.

    Raises:
        Failure: nothing is published yet.
        Mistake: the day is none, or the indicator has no part in it.
    """
    with reading.open_published(settings) as connection:
        about = reading.about(connection)
        found = reading.trace(connection, _day(connection, about, day_text), indicator)
    shown = found.bodies if as_json else [row for _, rows in _by_part(found.bodies) for row in rows[:_SHOWN_BODIES]]
    for row in shown:
        row["path"] = row["path"] or path_in_manifest(settings.archive_path, row["table_name"], row["sequence"])
        row["archive"] = state_in_archive(settings.archive_path, row["path"], row["body_sha256"])
    if as_json:
        console.print_json(
            {
                "market": about["market"],
                "is_simulated": about["is_simulated"],
                "date": found.date,
                "print": found.printed,
                "pillar": found.pillar,
                "indicator": found.indicator,
                "bodies": found.bodies,
                "restated": found.restated,
            }
        )
        return
    out = console.stdout()
    if about["is_simulated"]:
        out.print(console.text(about["title"], "bold magenta"))
    out.print(trace_tree(found))


def trace_tree(found: reading.Trace) -> Tree:
    """Print, pillar, input, raw tables, archived responses."""
    root = Tree(first_print(found.printed) if found.printed else Text(f"{found.date}: never printed", style="bold"))
    branch = root
    if found.pillar is not None:
        branch = root.add(_pillar_line({"points": None, **found.pillar}))
    branch = branch.add(_indicator_line({"points": None, **found.indicator}))
    branch.add(Text(f"{found.indicator['indicator']} = {found.indicator['formula']}", style="dim"))
    for (part, table, is_bounded), rows in _by_part(found.bodies):
        days = f"{min(row['first_date'] for row in rows)} to {max(row['last_date'] for row in rows)}"
        count = sum(row["row_count"] for row in rows)
        text = f"{part}: raw.{table}, {count} rows of {days} from {len(rows)} response{'s' if len(rows) > 1 else ''}"
        leaf = branch.add(Text(text + ("" if is_bounded else ", carried from the beginning")))
        for row in rows[:_SHOWN_BODIES]:
            leaf.add(_body_lines(row))
        if len(rows) > _SHOWN_BODIES:
            leaf.add(Text(f"and {len(rows) - _SHOWN_BODIES} more, see --json", style="dim"))
    for row in found.restated:
        figure = f"{row['table_name']} {row['entity']} {row['column_name']}, {console.plain(row['period_at'])}"
        change = f"{console.plain(row['value_before'])} became {console.plain(row['value_after'])}"
        branch.add(Text(f"restated {console.instant(row['restated_at'])}: {figure}: {change}", style="yellow"))
    return root


def first_print(printed: reading.Row) -> Text:
    """The first print of a day in one line, and what has become of it."""
    if printed["first_cmsi"] is None:
        return Text(f"{printed['date']}: not printed yet", style="yellow")
    line = Text.assemble((f"First print {printed['first_cmsi']:.2f}", "bold"), f" of {printed['date']}, ")
    if printed["first_basis"] == "live":
        line.append(f"live at {console.instant(printed['first_printed_at'])}")
    else:
        line.append(
            f"reconstructed at {console.instant(printed['first_printed_at'])}, not what was read then", "yellow"
        )
    line.append(f", inputs {printed['input_hash'][:16]}", "dim")
    if printed["cmsi"] is None:
        line.append("; can no longer be computed", "yellow")
    elif printed["is_restated"]:
        line.append(f"; now {printed['cmsi']:.2f} ({printed['difference']:+.2f})", "yellow")
    return line


def path_in_manifest(archive: Path, table: str, sequence: int | None) -> str | None:
    """The file of a response by its line in the manifest: what was landed before files were noted has no other way.

    Returns:
        Its path relative to the archive, or None if this archive has no such line.
    """
    folder = Path(*table.split("__"))
    try:
        line = (archive / folder / "manifest.jsonl").read_bytes().split(b"\n")[(sequence or 0) - 1]
        return (folder / json.loads(line)["path"]).as_posix() if sequence else None
    except (OSError, IndexError, ValueError):
        return None


def state_in_archive(archive: Path, path: str | None, sha256: str) -> str:
    """What the archive on this machine has for a body: `verified`, `absent`, `differs`, or `unknown` without a path."""
    if path is None:
        return "unknown"
    try:
        content = (archive / path).read_bytes()
    except OSError:
        return "absent"
    if path.endswith(".zst"):
        try:
            content = zstandard.ZstdDecompressor().decompress(content)
        except zstandard.ZstdError:
            return "differs"
    return "verified" if hashlib.sha256(content).hexdigest() == sha256 else "differs"


def _day(connection: duckdb.DuckDBPyConnection, about: reading.Row, day_text: str | None) -> date:
    """The day that is asked about: the newest print if none is named."""
    if day_text is not None:
        return parse_day(day_text, today=about["now_at"].date())
    newest = reading.latest_print(connection)
    day: date | None = newest["date"] if newest else about["last_closed_date"]
    if day is None:
        raise Mistake("there is no print yet; name a day")
    return day


def _by_part(bodies: list[reading.Row]) -> list[tuple[tuple[str, str, bool], list[reading.Row]]]:
    """Responses by part of the formula and raw table, in the order in which they come."""
    parts: dict[tuple[str, str, bool], list[reading.Row]] = {}
    for row in bodies:
        parts.setdefault((row["part"], row["table_name"], row["is_bounded"]), []).append(row)
    return list(parts.items())


def _body_lines(row: reading.Row) -> Text:
    asked = " ".join(filter(None, (row["method"], row["url"])))
    params = "&".join(f"{name}={value}" for name, value in json.loads(row["params"] or "{}").items())
    line = Text(f"{asked}{'?' if params else ''}{params}{' ' if row['content'] else ''}{row['content'] or ''}")
    days = (
        f"{row['first_date']}"
        if row["first_date"] == row["last_date"]
        else f"{row['first_date']} to {row['last_date']}"
    )
    line.append(f"\n{row['row_count']} rows of {days}, retrieved {console.instant(row['retrieved_at'])}")
    if row["is_later"]:
        line.append(", after the print", "yellow")
    line.append(f"\nsha256 {row['body_sha256']}", "dim")
    line.append(f"\n{row['path'] or 'file not noted'}: ", "dim")
    line.append(row["archive"], {"verified": "green", "differs": "bold red"}.get(row["archive"], "yellow"))
    return line


def as_dict(found: reading.Why, about: reading.Row) -> dict[str, Any]:
    """The explanation for programs."""
    change_points = found.change_points
    return {
        "market": about["market"],
        "is_simulated": about["is_simulated"],
        "as_of_at": about.get("as_of_at"),
        "date": found.date,
        "is_printed": found.index is not None,
        "reason": found.reason,
        "print": found.printed,
        "index": found.index,
        "pillars": found.pillars,
        "missing": [
            {"indicator": row["indicator"], "observed_date": row["observed_date"], "age_days": row["age_days"]}
            for row in found.missing
        ],
        "not_in_panel": [row["indicator"] for row in found.not_in_panel],
        "evidence": found.evidence,
        "change": None
        if found.previous is None or change_points is None
        else {
            "previous_date": found.previous["date"],
            "previous_cmsi": found.previous["cmsi"],
            "points": change_points,
            "terms": found.changes,
        },
    }


def headline(index: reading.Row) -> Text:
    """The print in one line."""
    regime = index["regime"]
    line = Text.assemble(
        ("CMSI ", "bold"),
        (f"{index['cmsi']:.1f}", "bold"),
        " ",
        (regime or "no regime yet", console.REGIME_STYLES.get(regime, "")),
        f"  {index['date']}",
    )
    if index["percentile"] is not None:
        line.append(f"  percentile {index['percentile']:.0f}")
    line.append(f"  coverage {100 * index['coverage']:.0f} % ({index['status']})")
    return line


def tree(found: reading.Why) -> Tree:
    """Print, pillars, indicators."""
    if found.index is not None:
        root = Tree(headline(found.index))
    else:
        root = Tree(Text.assemble((f"{found.date}: no print", "bold"), f", {found.reason}"))
    for pillar in found.pillars:
        branch = root.add(_pillar_line(pillar))
        for row in pillar["indicators"]:
            branch.add(_indicator_line(row))
    return root


def change(found: reading.Why, shown: int) -> Table | Text:
    """The terms of the change since the day before; the small ones as one."""
    day_before = "the day before"
    if found.previous is None or found.change_points is None:
        return Text(f"No print on {day_before}, so there is no change to explain.")
    made = console.table(
        f"since {found.previous['date']}", "points", right=("points",), title=f"{found.change_points:+.2f} points"
    )
    large, rest_count, rest_points = shown_changes(found, shown)
    for row in large:
        made.add_row(console.text(term(row)), f"{row['points']:+.2f}")
    if rest_count:
        made.add_row(f"{rest_count} smaller terms", f"{rest_points:+.2f}")
    return made


def shown_changes(found: reading.Why, shown: int) -> tuple[list[reading.Row], int, float]:
    """The terms worth a line of their own; how many others there are, and their points together."""
    large = [row for row in found.changes[:shown] if abs(row["points"]) >= _VISIBLE_POINTS]
    rest = found.changes[len(large) :]
    return large, len(rest), float(sum(row["points"] for row in rest))


def not_in_panel(found: reading.Why) -> Text:
    """The inputs that are too young for the index, as one sentence."""
    names = ", ".join(console.plain(row["title"] or row["indicator"]) for row in found.not_in_panel)
    return Text(f"Not in the index yet, for want of history: {names}.", style="yellow")


def term(row: reading.Row) -> str:
    """A change term in words."""
    name, one, two = row["term"], row["pillar_i"], row["pillar_j"]
    if name == "level":
        return f"{one} moved"
    if name == "correlation":
        return f"{one} and {two} {'more' if row['points'] > 0 else 'less'} in step"
    if name == "composition":
        return f"inputs entered or left {one}" if one else "pillars entered or left"
    return " ".join(str(part) for part in (name, one, two) if part)


def _pillar_line(pillar: reading.Row) -> Text:
    line = Text.assemble((f"{pillar['pillar']:<17}", "bold"))
    if pillar["points"] is not None:
        line.append(f" {pillar['points']:+7.2f} points", "bold")
    elif not pillar["is_valid"]:
        line.append(
            f" does not count: {100 * (pillar['fresh_weight_ratio'] or 0):.0f} % of its inputs are fresh", "yellow"
        )
    elif not pillar["is_usable"]:
        line.append(" does not count yet: too few days of its own", "yellow")
    if pillar["score"] is not None:
        line.append(f"  score {pillar['score']:.2f}")
    return line


def _indicator_line(row: reading.Row) -> Text:
    line = console.text(row["title"] or row["indicator"])
    if row["points"] is not None:
        line.append(f"  {row['points']:+.2f}", "bold")
    if row["value"] is not None:
        line.append(f"  {row['value']:.4g} {console.plain(row['unit'])}")
    if row["z"] is not None:
        line.append(f"  rank {100 * row['z']:.0f}/100")
    line.append(f"  of {row['observed_date']}", "dim")
    if not row["is_fresh"]:
        line.append(f"  missing: usable {row['age_days']} d ago is too old", "yellow")
    elif row["is_carried"]:
        line.append(f"  carried for {row['age_days']} d", "yellow")
    return line
