"""`undertow why`: a print taken apart, down to the inputs behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from orchestration.cli import console, reading
from orchestration.cli.mistakes import Mistake, parse_day

if TYPE_CHECKING:
    from orchestration.publishing.published import Published
    from orchestration.settings import Settings

_SHOWN_CHANGES = 8
_VISIBLE_POINTS = 0.005


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
        if day_text is not None:
            day = parse_day(day_text, today=about["now_at"].date())
        else:
            newest = reading.latest_print(connection)
            day = newest["date"] if newest else about["last_closed_date"]
        if day is None:
            raise Mistake("there is no print yet; name a day")
        found = reading.why(connection, day)
    if as_json:
        console.print_json(as_dict(found, about))
        return
    out = console.stdout()
    if about["is_simulated"]:
        out.print(console.text(about["title"], "bold magenta"))
    if about.get("as_of_at") is not None:
        out.print(console.text(f"as of {console.instant(about['as_of_at'])}", "bold"))
    out.print(tree(found))
    if found.not_in_panel:
        out.print(not_in_panel(found))
    if found.index is not None:
        out.print()
        out.print(change(found, _SHOWN_CHANGES))


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
        "index": found.index,
        "pillars": found.pillars,
        "missing": [
            {"indicator": row["indicator"], "observed_date": row["observed_date"], "age_days": row["age_days"]}
            for row in found.missing
        ],
        "not_in_panel": [row["indicator"] for row in found.not_in_panel],
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
