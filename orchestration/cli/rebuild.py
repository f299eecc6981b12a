"""`undertow rebuild --from-archive`: the warehouse made anew, and compared."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from orchestration.cli import console
from orchestration.cli.mistakes import FAILED, say

if TYPE_CHECKING:
    from orchestration.rebuild import Content, Rebuilt
    from orchestration.settings import Settings

_SHOWN = 20


def rebuild(settings: Settings, *, into: Path | None, replace: bool, as_json: bool) -> int:
    """Rebuild, compare and say how it went; return the exit code.

    Args:
        settings: which market, where.
        into: home of the rebuilt warehouse, kept; a passing one if None.
        replace: put it in the place of the present one.
        as_json: for programs instead of people.

    Raises:
        CannotRebuild, WarehouseError: see `orchestration.rebuild.rebuild`.
    """
    from orchestration.cli.refresh import watching
    from orchestration.rebuild import rebuild as work
    from sources.registry import DATASETS

    with ExitStack() as stack:
        if into is None:
            settings.market_home.mkdir(parents=True, exist_ok=True)
            folder = Path(stack.enter_context(TemporaryDirectory(dir=settings.market_home, prefix="rebuild-")))
        else:
            folder = into.absolute()
        with watching(settings, len(DATASETS)) as observer:
            found = work(settings, DATASETS, folder, observer, is_replacing=replace)
        if as_json:
            console.print_json(_as_dict(found))
        else:
            _summarise(found, is_kept=into is not None)
        if into is not None:
            shutil.rmtree(folder / settings.market_name / "target", ignore_errors=True)
    differing = found.differing
    if differing:
        say(f"{len(differing)} tables differ from their archive; the first is {differing[0]}")
    return FAILED if differing else 0


def _summarise(found: Rebuilt, *, is_kept: bool) -> None:
    out = console.stdout()
    rows = sum(content.row_count for content in found.tables.values())
    out.print(f"{len(found.tables)} tables with {rows} rows from the archive, asking nobody")
    for error in found.errors[:_SHOWN]:
        out.print(console.text(f"  as when it came: {error}", "dim"))
    if found.present is None:
        out.print("there was no warehouse to compare with")
    elif found.differing:
        out.print(console.text(f"{len(found.differing)} tables differ", "bold red"))
        for name in found.differing[:_SHOWN]:
            there = f"{_told(found.present.get(name))}, rebuilt {_told(found.tables.get(name))}"
            out.print(console.text(f"  {name}: present {there}"))
    else:
        out.print(console.text("every table is the same, bit for bit", "bold green"))
    if found.is_replaced:
        out.print(console.text(f"it stands in {found.path}; `undertow refresh` publishes it"))
    elif is_kept:
        out.print(console.text(f"kept in {found.path}"))


def _told(content: Content | None) -> str:
    return "not there" if content is None else f"{content.row_count} rows, {content.digest[:12]}"


def _as_dict(found: Rebuilt) -> dict[str, object]:
    return {
        "path": str(found.path),
        "is_replaced": found.is_replaced,
        "is_same": None if found.present is None else not found.differing,
        "table_count": len(found.tables),
        "row_count": sum(content.row_count for content in found.tables.values()),
        "differing": [
            {"table": name, "present": _told((found.present or {}).get(name)), "rebuilt": _told(found.tables.get(name))}
            for name in found.differing
        ],
        "errors": found.errors,
    }
