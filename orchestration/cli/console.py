"""How things are written to a terminal.

Whatever came from outside (names of hacks, error messages, query results) passes through `plain` or `text`: square
brackets in it are not markup, and control characters do not reach the terminal.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

REGIME_STYLES: Mapping[str, str] = {
    "calm": "green",
    "elevated": "yellow",
    "high": "dark_orange",
    "severe": "bold red",
}
_PIPE_WIDTH = 10_000


def stdout() -> Console:
    """Where results go. Into a pipe or file, lines are never folded."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def stderr() -> Console:
    """Where progress goes."""
    return Console(stderr=True, highlight=False)


def plain(value: object) -> str:
    """A value as one printable line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value)
    return "".join(c if c.isprintable() else " " for c in str(value))


def text(value: object, style: str = "") -> Text:
    """A value for rich, never read as markup."""
    return Text(plain(value), style=style)


def instant(moment: datetime) -> str:
    """An instant in UTC to the minute, or the second if it has any."""
    if moment.tzinfo is None:
        return moment.isoformat(sep=" ")
    moment = moment.astimezone(timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def age(span: timedelta) -> str:
    """A duration as a person says it: `40 min`, `7 h`, `3 d`."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


def size(byte_count: float) -> str:
    """A file size as a person says it."""
    for unit in ("B", "kB", "MB"):
        if byte_count < 1000:
            return f"{byte_count:.0f} {unit}"
        byte_count /= 1000
    return f"{byte_count:.1f} GB"


def points(value: float) -> str:
    """Signed index points."""
    return f"{value:+.1f}"


def table(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """An empty table in the house's look; numbers go to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return made


def results(columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[bool]) -> Table:
    """A query's result."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column, is_numeric in zip(columns, numeric, strict=True):
        made.add_column(text(column), justify="right" if is_numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text("null", style="dim") if value is None else text(value) for value in row))
    return made


def jsonable(value: object) -> object:
    """The same value in types that JSON has: instants and dates as ISO 8601, not-a-number as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return (value.astimezone(timezone.utc) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(one) for one in value]
    return value


def print_json(value: object) -> None:
    """Write a value as indented JSON to standard output."""
    print(json.dumps(jsonable(value), indent=2, ensure_ascii=False, allow_nan=False))
