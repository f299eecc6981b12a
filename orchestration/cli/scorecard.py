"""`undertow scorecard`: the index and the rules held against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.cli import console, reading, refresh
from orchestration.cli.mistakes import FAILED, Failure
from orchestration.publishing.scorecard_page import NoScorecard, page

if TYPE_CHECKING:
    from orchestration.automation import RefreshResult
    from orchestration.progress import Observer
    from orchestration.settings import Settings


def evaluate(settings: Settings, *, write_docs: Path | None, is_shown_only: bool) -> int:
    """Evaluate, publish and say what came out; return the exit code.

    Args:
        settings: which market, where.
        write_docs: file that gets the page; the terminal if not given.
        is_shown_only: show what was evaluated last instead of evaluating.

    Raises:
        Failure: nothing is published, or nothing was evaluated yet.
        UnknownMarket, WarehouseError, BuildFailed: see `run_scorecard`.
    """

    def work(observer: Observer) -> RefreshResult:
        from orchestration.automation import run_scorecard

        return run_scorecard(settings, observer=observer)

    if not is_shown_only:
        result = refresh.watched(settings, 0, work)
        if not result.is_success:
            for problem in result.build.problems:
                console.stderr().print(console.text(problem, "red"))
            return FAILED
    try:
        with reading.open_published(settings) as connection:
            text = page(connection)
    except NoScorecard as error:
        raise Failure(str(error)) from error
    if write_docs is None:
        print(text)
    else:
        write_docs.write_text(text, "utf-8")
        print(f"wrote {write_docs}")
    return 0
