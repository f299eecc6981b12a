"""What a person sees when something goes wrong: one line that names the thing and the way out.

Expected failures are listed here by name, so that knowing them costs no import. Anything else is a bug in Undertow: its
traceback goes into a file, and the line says where that is.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType

import typer

FAILED = 1
MISUSED = 2
INTERRUPTED = 130

EXPECTED: Mapping[str, int] = {
    "orchestration.settings.BadSettings": MISUSED,
    "sources.market.UnknownMarket": MISUSED,
    "orchestration.publishing.published.NotPublished": FAILED,
    "orchestration.publishing.snapshot.CannotPublish": FAILED,
    "orchestration.warehouse.WarehouseError": FAILED,
    "orchestration.transform.BuildFailed": FAILED,
    "orchestration.as_of.NotYet": MISUSED,
    "orchestration.as_of.NotBuilt": FAILED,
    "orchestration.as_of.UnknownModel": MISUSED,
    "orchestration.proof.CannotProve": FAILED,
    "orchestration.rebuild.CannotRebuild": FAILED,
    "orchestration.automation.UnknownDataset": MISUSED,
    "sources.errors.SourceError": FAILED,
    "sources.simulator.faults.UnknownFault": MISUSED,
    "sources.archive.CorruptArchive": FAILED,
    "_duckdb.Error": FAILED,
    "builtins.OSError": FAILED,
}
"""Errors that are not bugs, with the exit code they lead to."""


class Mistake(Exception):
    """The command was used wrongly; the message says how to use it."""

    exit_code = MISUSED


class Failure(Exception):
    """The command could not do its work; the message says why and what to do."""

    exit_code = FAILED


def exit_code_of(error: BaseException) -> int | None:
    """The exit code an error leads to, or None if it is a bug."""
    if isinstance(error, Mistake | Failure | typer.TyperException):
        return error.exit_code
    if is_interrupt(error):
        return INTERRUPTED
    for kind in type(error).__mro__:
        if (code := EXPECTED.get(f"{kind.__module__}.{kind.__qualname__}")) is not None:
            return code
    return None


def is_interrupt(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C; in the middle of a query DuckDB makes an ordinary error of it."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )


def say(message: str) -> None:
    """Write one line to standard error."""
    print(f"undertow: {printable(message)}", file=sys.stderr, flush=True)


def line_of(error: BaseException) -> str:
    """What an expected error says, as one line."""
    if isinstance(error, typer.TyperException):
        return error.format_message()
    if is_interrupt(error):
        return "interrupted"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def printable(text: str) -> str:
    """One line without control characters: messages quote what came from outside."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def report_bugs(home: Callable[[], Path]) -> None:
    """From now on, keep the traceback of an unexpected error in a file below `home` and say where it is."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        name = f"traceback-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.txt"
        for find_folder in (home, lambda: Path(tempfile.gettempdir())):
            try:
                folder = find_folder()
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / name
                path.write_text(f"undertow {' '.join(sys.argv[1:])}\npython {sys.version}\n\n{text}", "utf-8")
            except (OSError, ValueError):
                continue
            say(f"a bug in Undertow: {kind.__name__}: {error}; please report it with {path} (see CONTRIBUTING.md)")
            return
        sys.stderr.write(text)

    sys.excepthook = hook


def parse_day(text: str, *, today: date | None = None) -> date:
    """A day as people write it: `2025-11-04`, or `today` and `yesterday` if the market's day is known.

    Raises:
        Mistake: it is not a day.
    """
    if today is not None and text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Mistake(f"{text!r} is not a day; write it as 2025-11-04") from None


def parse_days(text: str) -> tuple[date, date]:
    """A span of days, both included, written `2025-10-01..2025-10-31`; one day stands for itself.

    Raises:
        Mistake: it is not a span.
    """
    first, dots, last = text.partition("..")
    if not first or (dots and not last):
        raise Mistake(f"{text!r} is not a span of days; write it as 2025-10-01..2025-10-31")
    span = parse_day(first), parse_day(last or first)
    if span[0] > span[1]:
        raise Mistake(f"{text!r} ends before it begins")
    return span


def pick(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Tables of the datasets that people name: `farside.etf_flows`, `farside__etf_flows`, or all of `farside`.

    Raises:
        Mistake: a name is unknown; close ones are suggested.
    """
    tables = list(known)
    picked: dict[str, None] = {}
    for name in names:
        table = name.strip().replace(".", "__", 1)
        found = [table] if table in tables else [one for one in tables if one.split("__", 1)[0] == table]
        if not found:
            spelled = [one.replace("__", ".", 1) for one in tables]
            by_dataset = {one.partition(".")[2]: one for one in spelled}
            close = get_close_matches(name.replace("__", ".", 1), spelled, n=3, cutoff=0.5)
            close += [
                by_dataset[one] for one in get_close_matches(name, by_dataset, n=2) if by_dataset[one] not in close
            ]
            hint = f"did you mean {' or '.join(close)}?" if close else "`undertow sources` lists them"
            raise Mistake(f"unknown dataset {name!r}: {hint}")
        picked.update(dict.fromkeys(found))
    return list(picked)
