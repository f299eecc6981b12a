"""What the marts were built from, and whether that is still the truth.

A build is skipped when it could only repeat the one that readers have already: same rows, same project, same day. The
note of it is written in two steps, by the build and by publishing, so a run that is killed between them builds again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from orchestration.warehouse import Warehouse
    from sources.market import Market

_CUT_OFF = timedelta(minutes=30)


@dataclass(frozen=True)
class Build:
    """What dbt did.

    Args:
        status: `built`, `failed` or `unchanged`.
        seconds: wall time of dbt.
        node_count: models, seeds and tests that ran.
        problems: one line per model that failed or test that found something wrong.
    """

    status: str
    seconds: float = 0.0
    node_count: int = 0
    problems: tuple[str, ...] = ()


def project_hash(settings: Settings) -> str:
    """Hash of every file of the dbt project, and of the version that reads it."""
    digest = hashlib.sha256(version("dbt-core").encode())
    folder = settings.dbt_project_path
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_made = (
            relative.parts[0] in ("target", "logs") or path.name.startswith(".") or path.parent.name == "__pycache__"
        )
        if path.is_file() and not is_made:
            digest.update(b"\0" + relative.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:20]


class BuildState:
    """What the marts in the warehouse were built from, and whether readers have them.

    The note is removed before dbt touches the first table and written after the last check has passed, so it is there
    only if the marts are whole.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.market_home / "build.json"
        self._published_path = settings.published_path

    def forget(self) -> None:
        """The marts are about to change."""
        self._path.unlink(missing_ok=True)

    def note_built(self, built_from: str, project: str) -> None:
        """The marts are whole, built by this project."""
        self._write({"built_from": built_from, "built_by": project, "is_published": False})

    def note_published(self) -> None:
        """Readers have the marts."""
        self._write({**self._read(), "is_published": True})

    def built_by(self) -> str | None:
        """Hash of the project that made everything that is in the warehouse; None if no build came to its end."""
        project = self._read().get("built_by")
        return project if isinstance(project, str) else None

    def is_whole(self) -> bool:
        """Whether the marts come from one build that passed its checks."""
        return "built_from" in self._read()

    def is_published(self, built_from: str) -> bool:
        """Whether readers have the marts that a build from this would give."""
        note = self._read()
        is_there = self._published_path.is_dir() and any(self._published_path.iterdir())
        return note.get("built_from") == built_from and note.get("is_published") is True and is_there

    def _read(self) -> dict[str, object]:
        try:
            note = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write(self, note: Mapping[str, object]) -> None:
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        part.write_text(json.dumps(note))
        os.replace(part, self._path)


def fingerprint(warehouse: Warehouse, market: Market, project: str) -> str:
    """What a build depends on: the rows that came, what failed and is shown as such, the project, and the day.

    Landings that changed nothing do not count: an hourly refresh without news must not rebuild anything.
    """
    with warehouse.connect("looking for news") as connection:
        rows = connection.execute(
            """
            with attempts as (
                select
                    table_name,
                    count(*) filter (where new_row_count + changed_row_count > 0) as news_count,
                    sum(new_row_count) as new_row_count,
                    sum(changed_row_count) as changed_row_count,
                    arg_max(error_kind, rowid) filter (where status = 'failed') as last_error_kind,
                    max(window_end) filter (where status = 'failed')
                        > max(window_end) filter (where status <> 'failed') as is_failing,
                from ops.landings
                group by table_name
            ),

            quarantines as (
                select table_name, count(distinct sha256) as quarantined_count
                from ops.retrievals
                where outcome = 'quarantined'
                group by table_name
            ),

            unknown_columns as (
                select table_name, count(*) as novelty_count
                from ops.novelties
                group by table_name
            )

            select datasets, attempts, quarantines, unknown_columns
            from ops.datasets as datasets
            left join attempts using (table_name)
            left join quarantines using (table_name)
            left join unknown_columns using (table_name)
            order by datasets.table_name
            """
        ).fetchall()
    # A day's print is made when its cut-off has passed, so it is the cut-offs that divide the days here.
    day = (market.now() - _CUT_OFF).date()
    return hashlib.sha256(repr((project, market.title, day, rows)).encode()).hexdigest()[:20]
