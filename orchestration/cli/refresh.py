"""`undertow refresh`, `backfill` and `demo`: the pipeline with somebody watching."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestration.cli import console, reading, why
from orchestration.cli.mistakes import FAILED, Failure, Mistake, pick
from orchestration.progress import Observer
from orchestration.publishing.published import NotPublished, Published
from sources.dataset import Window, at_midnight
from sources.registry import DATASETS

if TYPE_CHECKING:
    from orchestration.automation import RefreshResult
    from orchestration.landing import DatasetReport
    from orchestration.settings import Settings

_TOP_INPUTS = 6
_TOP_CHANGES = 6
_MARKS = {"failed": ("failed", "red"), "landed": ("landed", "green")}


def refresh(settings: Settings, *, since: date | None, only: Sequence[str], again: bool, force: bool) -> int:
    """Land what is due, build, publish, and say how it went; return the exit code.

    Args:
        settings: which market, where.
        since: ask for everything from this day on.
        only: datasets or providers; whatever is due if empty.
        again: ask also for what is not due.
        force: build and publish even if nothing is new.

    Raises:
        Mistake: `only` names something unknown.
        UnknownMarket, WarehouseError, BuildFailed: see `run_refresh`.
    """
    tables = pick(only, DATASETS) if only else None

    def work(observer: Observer) -> RefreshResult:
        from orchestration.automation import run_refresh

        start = at_midnight(since) if since else None
        return run_refresh(settings, since=start, only=tables, again=again, force=force, observer=observer)

    result = watched(settings, len(tables or DATASETS), work)
    summarise(settings, result)
    return 0 if result.is_success else FAILED


def backfill(settings: Settings, dataset: str, first: date, last: date) -> int:
    """Ask for a span of days of one dataset again, build and publish; return the exit code.

    Raises:
        Mistake: there is no such dataset, or the name stands for several.
        UnknownMarket, WarehouseError, BuildFailed: see `run_refresh`.
    """
    tables = pick([dataset], DATASETS)
    if len(tables) > 1:
        names = ", ".join(_name(table) for table in tables)
        raise Mistake(f"{dataset} has several datasets; backfill one at a time: {names}")

    def work(observer: Observer) -> RefreshResult:
        from orchestration.automation import run_backfill

        return run_backfill(settings, tables[0], Window.of_days(first, last), observer=observer)

    result = watched(settings, 1, work)
    summarise(settings, result)
    return 0 if result.is_success else FAILED


def demo(settings: Settings) -> int:
    """Build the simulated market's warehouse and explain its newest print; return the exit code.

    Raises:
        WarehouseError, BuildFailed: see `run_refresh`.
    """

    def work(observer: Observer) -> RefreshResult:
        from orchestration.automation import run_refresh

        return run_refresh(settings, observer=observer)

    result = watched(settings, len(DATASETS), work)
    if not result.is_success:
        summarise(settings, result)
        return FAILED
    out = console.stdout()
    published = Published(settings.published_path)
    with published.connect() as connection:
        about = reading.about(connection)
        index = reading.latest_print(connection)
        if index is None:
            raise Failure("the simulated market has no print; run `undertow status` to see what is missing")
        found = reading.why(connection, index["date"])
        worst = reading.rows(connection, "select date from marts.stress_index_daily order by cmsi desc limit 1")
    out.print()
    _show_market(out, about["title"], about["is_simulated"])
    out.print("Every figure below comes from a made-up market that answers in the providers' wire formats.")
    out.print()
    out.print(why.headline(index))
    _show_contributions(out, found)
    _show_change(out, found)
    _show_coverage(out, found)
    _show_publication(out, published)
    _heading(out, "Try next")
    option = "undertow --market simulated"
    for command, purpose in (
        (f"{option} why {worst[0]['date']}", "the most stressed day, taken apart"),
        (f"{option} sql \"from episodes('severe')\"", "every severe spell with its peak"),
        ("undertow refresh", "the same with live data, without keys; the first run fetches years and takes its time"),
    ):
        out.print(Text.assemble(f"  {purpose}:\n    ", (command, "bold cyan")))
    return 0


def summarise(settings: Settings, result: RefreshResult) -> None:
    """Say what a run did, what is missing, and what the index did without it."""
    out = console.stdout()
    out.print()
    _show_market(out, settings.open_market().title, settings.market_name == "simulated")
    out.print(_counts(result.datasets))
    for report in result.datasets:
        if report.errors:
            said = console.plain(report.error).removeprefix(f"{_name(report.table)} ")
            out.print(Text.assemble(("failed ", "red"), f"{_name(report.table)}: ", said))
    if lacking := [report for report in result.datasets if report.not_recorded]:
        whole = [_name(report.table) for report in lacking if not report.body_count]
        partly = [_name(report.table) for report in lacking if report.body_count]
        for words, names in (("not recorded", whole), ("recorded in part", partly)):
            if names:
                out.print(Text.assemble((f"{words} ", "yellow"), ", ".join(names)))
    for problem in result.build.problems:
        out.print(Text.assemble(("dbt ", "red"), console.plain(problem)))
    published = Published(settings.published_path)
    if result.alerts_failed_because:
        out.print(Text.assemble(("alerts ", "red"), console.plain(result.alerts_failed_because)))
    if result.not_published_because:
        out.print(console.text(f"not published: {result.not_published_because}"))
    _show_index(out, published, is_incomplete=any(report.errors for report in result.datasets))
    _show_publication(out, published)
    parts = ("fetch", "parse", "land", "dbt", "publish")
    times = ", ".join(f"{part} {getattr(result, f'{part}_seconds'):.1f}" for part in parts)
    out.print(f"{result.seconds:.1f} s ({times})", style="dim")
    if not result.is_success:
        out.print(
            "What failed is asked for again by the next `undertow refresh`; `undertow doctor` looks for the cause."
        )


def _counts(reports: Sequence[DatasetReport]) -> str:
    by_status: dict[str, int] = {}
    for report in reports:
        status = "failed" if report.errors else report.status
        by_status[status] = by_status.get(status, 0) + 1
    new, changed = (sum(getattr(one, f"{kind}_row_count") for one in reports) for kind in ("new", "changed"))
    said = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(by_status.items()))
    noun = "dataset" if len(reports) == 1 else "datasets"
    return f"{len(reports)} {noun}: {said}; {new:,} new rows, {changed:,} restated"


def _show_market(out: Console, title: str, is_simulated: bool) -> None:
    out.print(console.text(title, "bold magenta" if is_simulated else "bold"))


def _heading(out: Console, words: str) -> None:
    out.print()
    out.print(words, style="bold underline")


def _show_index(out: Console, published: Published, *, is_incomplete: bool) -> None:
    """The newest print, and what it had to do without."""
    try:
        connection = published.connect()
    except NotPublished:
        out.print("nothing is published yet", style="yellow")
        return
    with connection:
        index = reading.latest_print(connection)
        silence = reading.silence_since(connection, index)
        found = reading.why(connection, index["date"]) if index else None
    if found is not None and index is not None:
        out.print(why.headline(index))
        if found.without or is_incomplete:
            _show_without(out, found)
    if silence is not None:
        out.print(console.text(silence, "yellow"))


def _show_without(out: Console, found: reading.Why) -> None:
    """What a print had to do without, and what that did to it."""
    if found.missing:
        silent = [pillar["pillar"] for pillar in found.pillars if not pillar["is_valid"]]
        names = ", ".join(console.plain(row["title"] or row["indicator"]) for row in found.missing)
        line = f"Without: {names}. They count as missing, not as calm; their weight went to the other inputs"
        line += f", and {', '.join(silent)} does not count at all." if silent else " of their pillars."
        out.print(Text(line, style="yellow"))
    if found.not_in_panel:
        out.print(why.not_in_panel(found))
    if not found.without:
        out.print(f"The print of {found.date} has every input; what failed only held newer rows or other marts.")


def _show_contributions(out: Console, found: reading.Why) -> None:
    _heading(out, "What it is made of")
    made = console.table("input", "pillar", "value", "points", "share", "as of", right=("points", "share"))
    inputs = sorted(
        (row for pillar in found.pillars for row in pillar["indicators"] if row["points"] is not None),
        key=lambda row: -float(row["points"]),
    )
    for row in inputs[:_TOP_INPUTS]:
        made.add_row(
            console.text(row["title"] or row["indicator"]),
            row["pillar"],
            console.text(f"{row['value']:.4g} {row['unit']}"),
            f"{row['points']:.2f}",
            f"{row['share_pct']:.0f} %",
            str(row["observed_date"]),
        )
    rest = inputs[_TOP_INPUTS:]
    if rest:
        points, share = (sum(row[name] for row in rest) for name in ("points", "share_pct"))
        made.add_row(f"{len(rest)} more", "", "", f"{points:.2f}", f"{share:.0f} %", "")
    total = sum(row["points"] for row in inputs)
    made.add_row(Text("CMSI", style="bold"), "", "", Text(f"{total:.2f}", style="bold"), "100 %", "")
    out.print(made)


def _show_change(out: Console, found: reading.Why) -> None:
    if found.previous is None or found.change_points is None:
        _heading(out, "What changed")
        out.print("There is no print of the day before to compare with.")
        return
    _heading(out, f"What changed since {found.previous['date']}")
    made = console.table("term", "points", right=("points",))
    large, rest_count, rest_points = why.shown_changes(found, _TOP_CHANGES)
    for row in large:
        made.add_row(console.text(why.term(row)), f"{row['points']:+.2f}")
    if rest_count:
        made.add_row(f"{rest_count} smaller terms", f"{rest_points:+.2f}")
    total = sum(row["points"] for row in found.changes)
    made.add_row(
        Text(f"CMSI {found.previous['cmsi']:.2f} to {found.previous['cmsi'] + found.change_points:.2f}", style="bold"),
        Text(f"{total:+.2f}", style="bold"),
    )
    out.print(made)


def _show_coverage(out: Console, found: reading.Why) -> None:
    _heading(out, "Coverage")
    counting = [pillar["pillar"] for pillar in found.pillars if pillar["points"] is not None]
    inputs = [row for pillar in found.pillars for row in pillar["indicators"]]
    fresh = sum(row["is_fresh"] for row in inputs)
    out.print(f"{len(counting)} of {len(found.pillars)} pillars and {fresh} of {len(inputs)} inputs count.")
    if found.without:
        _show_without(out, found)
    else:
        out.print("Nothing is missing.")


def _show_publication(out: Console, published: Published) -> None:
    version = published.current()
    if version is None:
        return
    _heading(out, "Published")
    out.print(console.text(published.database, "bold"))
    out.print(
        f"{version.table_count} tables, {version.row_count:,} rows, {console.size(version.byte_count)}; "
        f"as Parquet in {published.parquet if published.parquet.exists() else version.parquet}"
    )


def _name(table: str) -> str:
    dataset = DATASETS[table]
    return f"{dataset.provider.name}.{dataset.name}"


# Somebody watching


def watched(settings: Settings, dataset_count: int, work: Callable[[Observer], RefreshResult]) -> RefreshResult:
    """Do the work with a progress display."""
    with watching(settings, dataset_count) as observer:
        return work(observer)


@contextmanager
def watching(settings: Settings, dataset_count: int) -> Iterator[Observer]:
    """A progress display: a moving one on a terminal, lines otherwise."""
    out = console.stderr()
    out.print(console.text(f"{settings.market} market in {settings.market_home}", "dim"))
    if not out.is_terminal:
        yield LineObserver(out, dataset_count)
        return
    with _bars(out) as progress:
        yield BarObserver(out, dataset_count, progress)


@contextmanager
def _bars(out: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        yield progress


class LineObserver(Observer):
    """One line per thing that is done.

    Args:
        out: where lines go.
        dataset_count: how many datasets will be asked for.
    """

    def __init__(self, out: Console, dataset_count: int) -> None:
        self._out = out
        self._dataset_count = dataset_count
        self._done_count = 0

    def waiting(self, reason: str) -> None:
        self._out.print(console.text(reason, "yellow"))

    def dataset_finished(self, table: str, status: str, row_count: int, seconds: float, error: str | None) -> None:
        self._done_count += 1
        word, style = _MARKS.get("failed" if error else status, (status.replace("_", " "), "dim"))
        line = Text.assemble(
            f"{self._done_count:>3}/{self._dataset_count} {_name(table):<36} ",
            (f"{console.plain(word):<12}", style),
            f"{row_count:>12,} rows {seconds:6.1f} s",
        )
        if error:
            line.append(f"  {console.plain(error).removeprefix(_name(table) + ' ')}", "red")
        self._out.print(line, soft_wrap=True)

    def build_started(self, node_count: int) -> None:
        self._out.print(f"dbt: {node_count} models, seeds and tests")

    def node_finished(self, name: str, number: int, node_count: int, status: str) -> None:
        if status in ("error", "fail", "warn"):
            self._out.print(Text.assemble("dbt: ", (f"{console.plain(name)}: {status}", "red")))

    def build_finished(self, status: str, seconds: float) -> None:
        self._out.print(f"dbt: {status} in {seconds:.1f} s")

    def published(self, path: Path, table_count: int, row_count: int) -> None:
        self._out.print(console.text(f"published {table_count} tables, {row_count:,} rows: {path}"), soft_wrap=True)

    def not_published(self, reason: str) -> None:
        self._out.print(console.text(f"not published: {reason}", "yellow"))


class BarObserver(LineObserver):
    """The same, and bars for what is under way."""

    def __init__(self, out: Console, dataset_count: int, progress: Progress) -> None:
        super().__init__(out, dataset_count)
        self._progress = progress
        self._datasets = progress.add_task("datasets", total=dataset_count)
        self._current: TaskID | None = None
        self._build: TaskID | None = None

    def dataset_started(self, table: str, window_count: int) -> None:
        if window_count > 1:
            self._current = self._progress.add_task(_name(table), total=window_count)

    def window_landed(self, table: str, number: int, window_count: int, window: Window, row_count: int) -> None:
        if self._current is not None:
            self._progress.update(self._current, completed=number, description=f"{_name(table)} {window.start:%Y-%m}")

    def dataset_finished(self, table: str, status: str, row_count: int, seconds: float, error: str | None) -> None:
        super().dataset_finished(table, status, row_count, seconds, error)
        if self._current is not None:
            self._progress.remove_task(self._current)
            self._current = None
        self._progress.advance(self._datasets)

    def build_started(self, node_count: int) -> None:
        self._build = self._progress.add_task("dbt", total=node_count)

    def node_finished(self, name: str, number: int, node_count: int, status: str) -> None:
        super().node_finished(name, number, node_count, status)
        if self._build is not None:
            self._progress.update(self._build, completed=number, total=node_count)
