"""From a provider's answer to rows in `raw`: one way for all datasets.

A window is fetched, every response is archived before it is parsed, and what parsed is landed in one transaction. What
failed costs itself only: a response that does not parse is quarantined and the rest of its window lands; a window that
did not come completely is asked for again; other datasets never notice. Whatever an interrupted run had archived is
landed first by the next one, so `raw` is a pure function of the archive.
"""

import json
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from filelock import FileLock, Timeout

from orchestration.progress import LogObserver, Observer
from orchestration.quality import examine
from orchestration.settings import Settings, unavailable
from orchestration.warehouse import Landed, Landing, Progress, Retrieval, Warehouse, WarehouseBusy, merged
from sources.archive import Archive, CorruptArchive, Entry
from sources.dataset import UTC_DATETIME, Body, Dataset, Window, at_midnight
from sources.errors import Blocked, Incomplete, Malformed, RateLimited, SourceError, Unreachable

if TYPE_CHECKING:
    from orchestration.build_state import Build
    from orchestration.publishing.snapshot import PublishResult
    from sources.http import Transport
    from sources.market import Market

POOL = "warehouse"
"""The pool of everything that writes the warehouse; its limit is 1."""

# Parsers are pure, so whatever they raise says that the body is not what they expect. One of these that got past the
# landing would stop the dataset for good: the body is in the archive and would be met again by every run.
_PARSER_FAILURES = (
    SourceError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
    zipfile.BadZipFile,
    zlib.error,
)

_FRESH, _READABLE, _KNOWN, _USUAL = "is_fresh", "every_response_reads", "no_unknown_columns", "nothing_odd"


class CannotArchive(Exception):
    """The archive cannot be written; nothing is parsed that is not kept. The message is one line."""


@dataclass
class DatasetReport:
    """What one refresh of one dataset did.

    Args:
        table: the dataset.
        status: `landed`, `unchanged`, `empty`, `current` (nothing to ask for), `skipped` (off: no key, retired),
            `not_recorded` (a recorded market lacks answers) or `failed`.
        window_count: windows asked for.
        asked_for: the span of time they make up, as text; empty if there were none.
        body_count: responses that rows could come from.
        quarantined_count: responses that could not be read.
        absent_count: files the provider has not published.
        fetched_row_count, new_row_count, changed_row_count, duplicate_row_count: see `Landed`.
        observed_row_count, assumed_row_count: basis of the availability of the added rows.
        total_row_count: rows in the table afterwards, all vintages.
        newest_period_end: end of the newest period that has a row.
        novelties: columns the provider sends and the descriptor does not declare.
        finding_count: what is odd about its rows, see `orchestration.quality`; None if nothing was landed.
        errors: one line per failure.
        not_recorded: the same for answers that a recorded market does not hold: nothing failed and nothing can be done.
        fetch_seconds, parse_seconds, land_seconds: where the time went; fetching includes archiving.
        touched: periods of rows that were landed and have not been examined yet.
        landed_at: when the last window was landed, by the market's clock; None if none was.
    """

    table: str
    status: str = "current"
    window_count: int = 0
    asked_for: str = ""
    body_count: int = 0
    quarantined_count: int = 0
    absent_count: int = 0
    fetched_row_count: int = 0
    new_row_count: int = 0
    changed_row_count: int = 0
    duplicate_row_count: int = 0
    observed_row_count: int = 0
    assumed_row_count: int = 0
    total_row_count: int = 0
    newest_period_end: datetime | None = None
    novelties: tuple[str, ...] = ()
    finding_count: int | None = None
    errors: list[str] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    fetch_seconds: float = 0.0
    parse_seconds: float = 0.0
    land_seconds: float = 0.0
    touched: tuple[Window, ...] = ()
    landed_at: datetime | None = None

    @property
    def error(self) -> str | None:
        """The first failure, and how many more there were; None if there was none."""
        if not self.errors:
            return None
        more = len(self.errors) - 1
        return self.errors[0] + (f" (and {more} more)" if more else "")

    @property
    def seconds(self) -> float:
        return self.fetch_seconds + self.parse_seconds + self.land_seconds

    def add(self, landing: Landing, landed: Landed) -> None:
        """Count one landed window in."""
        if landed.new_row_count or landed.changed_row_count:
            self.touched = merged([*self.touched, *landing.periods])
        self.landed_at = landing.landed_at
        self.body_count += landing.body_count
        self.quarantined_count += sum(one.outcome == "quarantined" for one in landing.retrievals)
        self.absent_count += sum(one.outcome == "absent" for one in landing.retrievals)
        self.fetched_row_count += landed.fetched_row_count
        self.new_row_count += landed.new_row_count
        self.changed_row_count += landed.changed_row_count
        self.duplicate_row_count += landed.duplicate_row_count
        self.observed_row_count += landed.observed_row_count
        self.assumed_row_count += landed.assumed_row_count
        self.total_row_count = landed.total_row_count
        self.newest_period_end = landed.newest_period_end
        self.novelties = tuple(sorted({*self.novelties, *landing.novelties}))
        if landing.error_message is not None:
            (self.not_recorded if landed.status == "not_recorded" else self.errors).append(landing.error_message)
        # The most telling of all windows: failed before landed before unchanged before empty.
        ranking = ("current", "empty", "not_recorded", "unchanged", "landed", "failed")
        is_part = landed.status == "not_recorded" and (landed.new_row_count or landed.changed_row_count)
        self.status = max(self.status, "landed" if is_part else landed.status, key=ranking.index)


@dataclass
class Journal:
    """What a run did, for the caller of the run.

    Args:
        reports: each dataset's refresh, by table.
        build: what dbt did; None if it did not get that far.
        publication: what was published; None if nothing was.
        publish_seconds: wall time of publishing.
    """

    reports: dict[str, DatasetReport] = field(default_factory=dict)
    build: "Build | None" = None
    publication: "PublishResult | None" = None
    publish_seconds: float = 0.0


@dataclass(frozen=True)
class Workspace:
    """What landing works with, opened once per run.

    Args:
        settings: where things are.
        market: whose clock and whose answers.
        transport: the line to the providers; shared, because rate limits are.
        warehouse: where rows go.
        observer: who is told.
        journal: what was done.
    """

    settings: Settings
    market: "Market"
    transport: "Transport"
    warehouse: Warehouse
    observer: Observer
    journal: Journal = field(default_factory=Journal)


@contextmanager
def open_workspace(settings: Settings, datasets: Iterable[Dataset], observer: Observer) -> Iterator[Workspace]:
    """A workspace with a prepared warehouse.

    Raises:
        sources.market.UnknownMarket: the recording does not exist.
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    market = settings.open_market()
    warehouse = Warehouse(settings, observer)
    warehouse.prepare(market, datasets)
    with market.connect() as transport:
        yield Workspace(settings, market, transport, warehouse, observer)


def refresh_dataset(
    workspace: Workspace,
    dataset: Dataset,
    run_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> DatasetReport:
    """Land what an interrupted run left, then ask for everything that is due.

    Args:
        workspace: what to work with.
        dataset: what to refresh.
        run_id: stands in every row and archived response of this refresh; not used before for this dataset.
        since: ask for everything from here, whether it was asked for before or not.
        until: end of the window if `since` is given; the market's present instant otherwise.

    Returns:
        What happened. Failures of the provider are in it; they are not raised.

    Raises:
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
        CannotArchive: the archive cannot be written.
    """
    report = DatasetReport(dataset.table)
    if reason := unavailable(dataset, workspace.market):
        report.status = "skipped"
        workspace.observer.dataset_finished(dataset.table, f"skipped: {reason}", 0, 0.0, None)
        return report
    with _dataset_lock(workspace, dataset):
        archive = Archive(workspace.settings.archive_path, dataset)
        started = time.perf_counter()
        progress = workspace.warehouse.progress(dataset)
        report.land_seconds += time.perf_counter() - started
        recovered = DatasetReport(dataset.table)
        if _recover(workspace, dataset, archive, progress.last_sequence, recovered):
            # What is missing is asked for again right away; if that fails too, that is the error to show.
            report.new_row_count, report.changed_row_count = recovered.new_row_count, recovered.changed_row_count
            report.touched, report.landed_at = recovered.touched, recovered.landed_at
            report.parse_seconds += recovered.parse_seconds
            report.land_seconds += recovered.land_seconds
            report.status = "landed" if recovered.new_row_count + recovered.changed_row_count else "unchanged"
            progress = workspace.warehouse.progress(dataset)
        windows = windows_due(dataset, progress, _begin(workspace, dataset), workspace.market.now(), since, until)
        workspace.observer.dataset_started(dataset.table, len(windows))
        for number, window in enumerate(windows, start=1):
            is_last = number == len(windows)
            failure, row_count = _land_window(workspace, dataset, archive, window, run_id, report, is_last=is_last)
            workspace.observer.window_landed(dataset.table, number, len(windows), window, row_count)
            if isinstance(failure, Unreachable | RateLimited | Blocked):
                # Whoever does not answer now will not answer for the next window either.
                break
        if since is None:
            for window in _further_windows(workspace, windows):
                _land_window(workspace, dataset, archive, window, run_id, report)
        _examine(workspace, dataset, report)
        report.window_count = len(windows)
        if windows:
            report.asked_for = str(Window(windows[0].start, windows[-1].end))
        if not windows:
            report.total_row_count, report.newest_period_end = workspace.warehouse.standing(dataset)
    rows = report.new_row_count + report.changed_row_count
    workspace.observer.dataset_finished(dataset.table, report.status, rows, report.seconds, report.error)
    return report


def replay(workspace: Workspace, dataset: Dataset, until: int | None = None) -> DatasetReport:
    """Land the archive of a dataset again, into an emptied table; asks nobody anything.

    Every run is landed and examined as it was when it came, so that what is noted of it carries the same instants.

    Args:
        workspace: what to work with.
        dataset: whose archive.
        until: the last retrieval to land; all of them if not given.

    Raises:
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    report = DatasetReport(dataset.table)
    with _dataset_lock(workspace, dataset):
        workspace.warehouse.forget(dataset)
        archive = Archive(workspace.settings.archive_path, dataset)
        groups = [entries for entries in archive.groups() if until is None or entries[-1].sequence <= until]
        for _, run in groupby(groups, key=lambda entries: entries[0].run_id):
            report.touched = ()
            _land_archived(workspace, dataset, archive, list(run), report)
            _examine(workspace, dataset, report)
    return report


def windows_due(
    dataset: Dataset,
    progress: Progress,
    begin: datetime,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Window]:
    """What a refresh has to ask for, oldest first, in windows of at most `dataset.chunk`.

    That is: the whole history if nothing was ever asked for; else whatever was asked for and did not come completely,
    and everything since the newest complete window less the time for which values are still revised. Windows begin at
    midnight, because a daily value belongs to the day it began on.

    Args:
        dataset: whose windows.
        progress: how far it has come.
        begin: first instant of the history.
        now: the market's present instant.
        since: ask for everything from here instead.
        until: end of that; `now` if not given.
    """
    if since is not None:
        spans = _span(max(since, begin), min(until or now, now))
    elif not progress.asked:
        spans = _span(begin, now)
    else:
        newest = progress.covered[-1].end - dataset.cadence.revised_for if progress.covered else progress.asked[0].start
        midnight = newest.replace(hour=0, minute=0, second=0, microsecond=0)
        is_current = bool(progress.covered) and progress.covered[-1].end >= now and not dataset.cadence.revised_for
        tail = () if is_current else _span(max(midnight, begin), now)
        spans = merged([*_without(progress.asked, progress.covered), *tail])
    return [window for span in spans for window in span.split(dataset.chunk)]


class LandingConfig(dg.Config):
    """What to ask for; whatever is due if nothing is given.

    Args:
        since: first day or instant, ISO 8601 in UTC.
        until: end of the window, not included; the present if not given.
    """

    # Dagster reads this annotation at run time, hence no postponed annotations in this module.
    since: str | None = None
    until: str | None = None


def landing_asset(dataset: Dataset) -> dg.AssetsDefinition:
    """The Dagster asset that lands a dataset, with its checks.

    The asset reports what it landed and then fails if anything did not come: what depends on it goes on with the rows
    there are, and the run shows in red what is missing.
    """
    key = dg.AssetKey(["raw", dataset.table])

    @dg.asset(
        key=key,
        group_name=dataset.subject,
        description=f"{dataset.description}\n\n{dataset.grain[0].upper()}{dataset.grain[1:]}, and vintage.",
        kinds={"python", "duckdb"},
        pool=POOL,
        required_resource_keys={"workspace"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=dataset.cadence.stale_after),
        metadata={
            "provider": dg.MetadataValue.url(dataset.provider.homepage),
            "documentation": dg.MetadataValue.url(dataset.docs_url),
            "licence": str(dataset.licence),
            "asked for at (cron, UTC)": dataset.cadence.cron,
            "history from": dataset.starts_on.isoformat(),
            "dagster/table_name": f"raw.{dataset.table}",
            "dagster/column_schema": _column_schema(dataset),
        },
        tags={"frequency": dataset.cadence.frequency, "provider": dataset.provider.name},
        check_specs=[
            dg.AssetCheckSpec(
                _FRESH,
                asset=key,
                description="The newest period is not older than the descriptor allows, by the market's clock.",
            ),
            dg.AssetCheckSpec(
                _READABLE, asset=key, description="No response of this run had to be put into quarantine."
            ),
            dg.AssetCheckSpec(
                _KNOWN, asset=key, description="The provider sends no column that the descriptor does not declare."
            ),
            dg.AssetCheckSpec(
                _USUAL,
                asset=key,
                description="No gap, frozen value, jump or other oddity; what there is stands in quality.findings.",
            ),
        ],
    )
    def land(context: dg.AssetExecutionContext, config: LandingConfig) -> Iterator[dg.MaterializeResult[None]]:
        workspace: Workspace = context.resources.workspace
        since, until = _instant(config.since), _instant(config.until)
        report = refresh_dataset(workspace, dataset, context.run.run_id, since=since, until=until)
        workspace.journal.reports[dataset.table] = report
        yield dg.MaterializeResult(
            metadata=_metadata(report), check_results=_checks(dataset, report, workspace.market.now())
        )
        if report.errors:
            raise dg.Failure(description="\n".join(report.errors[:20]), allow_retries=False)

    return land


@dg.resource(description="Settings, market, provider line and warehouse of this run.")
def workspace_resource(context: dg.InitResourceContext) -> Iterator[Workspace]:
    """A workspace from the environment, for runs that Dagster starts."""
    from sources.registry import DATASETS

    assert context.log is not None, "a run has a log"
    with open_workspace(Settings.load(), DATASETS.values(), LogObserver(context.log)) as workspace:
        yield workspace


@dataclass(frozen=True)
class _Piece:
    """What was read from one archived response."""

    rows: pl.DataFrame | None
    outcome: str
    message: str | None = None
    novelties: tuple[str, ...] = ()
    first_period_at: datetime | None = None
    last_period_at: datetime | None = None


def _land_window(
    workspace: Workspace,
    dataset: Dataset,
    archive: Archive,
    window: Window,
    run_id: str,
    report: DatasetReport,
    *,
    is_last: bool = False,
) -> tuple[SourceError | None, int]:
    """Fetch, archive, parse and land one window; return why it did not come completely, and how many rows it added.

    After the last one, what was landed is examined before the warehouse is closed.
    """
    client = workspace.transport.client(dataset, window, archive.holds)
    before = len(archive.entries())
    pieces: dict[int, _Piece] = {}
    failure: SourceError | None = None
    clock = _Clock(report)
    bodies = iter(dataset.fetch(window, client))
    while True:
        try:
            body = next(bodies, None)
        except SourceError as error:
            failure = error
        except _PARSER_FAILURES as error:
            # Paging reads answers, too.
            failure = Malformed(f"paging fails on an answer: {_said(error)}", where=f"{dataset.table} {window}")
        if failure is not None or body is None:
            break
        entry = _stored(archive, body, run_id)
        clock.lap("fetch_seconds")
        pieces[entry.sequence] = _read(dataset, body)
        clock.lap("parse_seconds")
    if failure is None:
        archive.finish(run_id, window)
    elif failure.body is not None:
        entry = _stored(archive, failure.body, run_id, error=_told(failure))
        pieces[entry.sequence] = _Piece(None, "quarantined", _told(failure))
    clock.lap("fetch_seconds")
    landing = _landing(workspace, dataset, run_id, window, archive.entries(before), pieces, failure)
    with workspace.warehouse.connect(f"landing {dataset.table}"):
        landed = workspace.warehouse.land(landing)
        clock.lap("land_seconds")
        report.add(landing, landed)
        if is_last:
            _examine(workspace, dataset, report)
    return failure, landed.new_row_count + landed.changed_row_count


def _further_windows(workspace: Workspace, windows: Sequence[Window]) -> Iterator[Window]:
    """Windows of answers that a recording holds and has not given yet; each begins where none of the run has begun."""
    begun = {window.start for window in windows}
    for further in workspace.transport.further_windows():
        start = further.start
        while start in begun:
            start -= timedelta(days=1)
        begun.add(start)
        yield Window(start, further.end)


def _examine(workspace: Workspace, dataset: Dataset, report: DatasetReport) -> None:
    """Look at what was landed for what is odd about it."""
    if not report.touched:
        return
    started = time.perf_counter()
    touched = Window(report.touched[0].start, report.touched[-1].end)
    now = report.landed_at or workspace.market.now()
    report.finding_count = examine(workspace.warehouse, dataset, touched, now)
    report.touched = ()
    report.land_seconds += time.perf_counter() - started


def _stored(archive: Archive, body: Body, run_id: str, error: str | None = None) -> Entry:
    """Archive a response.

    Raises:
        CannotArchive: the disk is full, or the folder cannot be written.
    """
    try:
        return archive.store(body, run_id, error=error)
    except OSError as failure:
        raise CannotArchive(
            f"a response cannot be archived: {failure.strerror or failure} ({failure.filename}); free some space or "
            "mend the folder, then run again: what is archived is landed first"
        ) from failure


def _recover(workspace: Workspace, dataset: Dataset, archive: Archive, after: int, report: DatasetReport) -> bool:
    """Land what is in the archive and not in the warehouse; return whether there was anything."""
    groups = list(archive.groups(after))
    _land_archived(workspace, dataset, archive, groups, report)
    return bool(groups)


def _land_archived(
    workspace: Workspace,
    dataset: Dataset,
    archive: Archive,
    groups: Sequence[Sequence[Entry]],
    report: DatasetReport,
) -> None:
    """Land archived windows, one after the other."""
    finished = archive.finished() if groups else frozenset()
    for entries in groups:
        clock = _Clock(report)
        run_id, window = entries[0].run_id, entries[0].window
        pieces: dict[int, _Piece] = {}
        failure: SourceError | None = None
        for entry in entries:
            if entry.error is not None:
                pieces[entry.sequence] = _Piece(None, "quarantined", entry.error)
                failure = Malformed(entry.error)
            elif not entry.is_companion:
                pieces[entry.sequence] = _read_again(dataset, archive, entry)
        clock.lap("parse_seconds")
        if failure is None and (run_id, window) not in finished:
            failure = Incomplete(
                "the run ended before all of the window had come",
                remedy="what had come is landed, the window is asked for again",
                where=f"{dataset.table} {window}",
            )
        landing = _landing(workspace, dataset, run_id, window, entries, pieces, failure)
        landed = workspace.warehouse.land(landing)
        clock.lap("land_seconds")
        report.add(landing, landed)


def _landing(
    workspace: Workspace,
    dataset: Dataset,
    run_id: str,
    window: Window,
    entries: Sequence[Entry],
    pieces: Mapping[int, _Piece],
    failure: SourceError | None,
) -> Landing:
    """Put together what the responses of one window gave."""
    frames = [piece.rows for piece in pieces.values() if piece.rows is not None]
    schema = {**dataset.schema, "_vintage_at": UTC_DATETIME, "_body_sha256": pl.String}
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=schema)
    unread = [f"{piece.message}" for piece in pieces.values() if piece.outcome == "quarantined"]
    if failure is None and unread:
        failure = Malformed(
            f"{len(unread)} of {len(pieces)} responses cannot be read: {unread[0]}",
            remedy="they are in the archive; the window is asked for again",
            where=f"{dataset.table} {window}",
        )
    if failure is None and rows.is_empty() and _is_due(dataset, window, entries, pieces):
        failure = Malformed(
            "an answer without rows where rows are due",
            remedy="see the provider's status page; the window is asked for again",
            where=f"{dataset.table} {window}",
        )
    novelties: dict[str, tuple[datetime, str]] = {}
    for entry in entries:
        for column in pieces[entry.sequence].novelties if entry.sequence in pieces else ():
            novelties.setdefault(column, (entry.retrieved_at, entry.sha256))
    return Landing(
        dataset=dataset,
        run_id=run_id,
        window=window,
        rows=rows,
        retrievals=[_retrieval(dataset, entry, pieces.get(entry.sequence)) for entry in entries],
        body_count=len(pieces),
        # The last answer's instant, which the archive keeps: landing it again gives the same.
        landed_at=entries[-1].retrieved_at if entries else workspace.market.now(),
        novelties=novelties,
        error_kind=None if failure is None else type(failure).__name__,
        error_message=None if failure is None else _told(failure),
    )


def _is_due(dataset: Dataset, window: Window, entries: Sequence[Entry], pieces: Mapping[int, _Piece]) -> bool:
    """Whether a window without rows is a fault: it is long enough that a healthy provider has at least one.

    `stale_after` is the age at which the newest row is overdue, so any span of that length holds one. A file that is
    not published is no fault: the provider says so itself.
    """
    if dataset.can_be_empty or not entries or any(piece.outcome == "absent" for piece in pieces.values()):
        return False
    known_until = min(window.end, entries[0].retrieved_at - dataset.cadence.lag)
    return known_until - max(window.start, dataset.history) >= dataset.cadence.stale_after


def _read(dataset: Dataset, body: Body) -> _Piece:
    """Parse one response."""
    try:
        frame = dataset.parse(body)
        rows = dataset.conform(frame)
    except _PARSER_FAILURES as error:
        return _Piece(None, "quarantined", _said(error))
    rows = rows.with_columns(
        pl.lit(body.retrieved_at, dtype=UTC_DATETIME).alias("_vintage_at"), pl.lit(body.sha256).alias("_body_sha256")
    )
    outcome = "parsed" if rows.height else "absent" if body.status == 404 else "empty"
    first, last = (_as_instant(bound) for bound in (rows[dataset.time_column].min(), rows[dataset.time_column].max()))
    return _Piece(rows, outcome, novelties=dataset.novelties(frame), first_period_at=first, last_period_at=last)


def _as_instant(moment: object) -> datetime | None:
    if isinstance(moment, datetime):
        return moment
    return at_midnight(moment) if isinstance(moment, date) else None


def _read_again(dataset: Dataset, archive: Archive, entry: Entry) -> _Piece:
    """Parse one archived response."""
    try:
        body = archive.load(entry)
    except (CorruptArchive, OSError) as error:
        return _Piece(None, "quarantined", _said(error))
    return _read(dataset, body)


def _retrieval(dataset: Dataset, entry: Entry, piece: _Piece | None) -> Retrieval:
    return Retrieval(
        sequence=entry.sequence,
        run_id=entry.run_id,
        window=entry.window,
        url=entry.request.url,
        params=json.dumps(dict(entry.request.params), ensure_ascii=False),
        status=entry.status,
        sha256=entry.sha256,
        byte_count=entry.byte_count,
        retrieved_at=entry.retrieved_at,
        row_count=0 if piece is None or piece.rows is None else piece.rows.height,
        outcome="companion" if piece is None else piece.outcome,
        message=None if piece is None else piece.message,
        series=entry.request.series,
        first_period_at=None if piece is None else piece.first_period_at,
        last_period_at=None if piece is None else piece.last_period_at,
        method=entry.request.method,
        content=entry.request.content,
        path=f"{dataset.provider.name}/{dataset.name}/{entry.path}",
    )


def _told(failure: SourceError) -> str:
    return " ".join(str(failure).split())


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, SourceError | CorruptArchive) else f"{type(error).__name__}: {text}"


class _Clock:
    """Adds the time since the last lap to a field of a report."""

    def __init__(self, report: DatasetReport) -> None:
        self._report = report
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        setattr(self._report, name, getattr(self._report, name) + now - self._last)
        self._last = now


@contextmanager
def _dataset_lock(workspace: Workspace, dataset: Dataset) -> Iterator[None]:
    """One refresh of a dataset at a time, from before its archive is read until its rows are landed."""
    folder = workspace.settings.locks_path
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{dataset.table}.lock")
    try:
        lock.acquire(timeout=1.0, poll_interval=0.05)
    except Timeout:
        workspace.observer.waiting(f"waiting for another refresh of {dataset.table}")
        try:
            lock.acquire(timeout=workspace.settings.lock_timeout_seconds, poll_interval=0.2)
        except Timeout:
            raise WarehouseBusy(
                f"{dataset.table} is being refreshed by another process (lock {lock.lock_file}); "
                "run again when it has finished"
            ) from None
    try:
        yield
    finally:
        lock.release()


def _begin(workspace: Workspace, dataset: Dataset) -> datetime:
    """First instant to ask for."""
    begins = workspace.market.begins(dataset.provider.name)
    return dataset.history if begins is None else max(dataset.history, begins)


def _span(start: datetime, end: datetime) -> tuple[Window, ...]:
    return (Window(start, end),) if start < end else ()


def _without(asked: Iterable[Window], covered: Iterable[Window]) -> Iterator[Window]:
    """The parts of `asked` that no window of `covered` covers; both merged and in order."""
    covered = tuple(covered)
    for window in asked:
        start = window.start
        for other in covered:
            if other.end <= start or other.start >= window.end:
                continue
            yield from _span(start, other.start)
            start = max(start, other.end)
        yield from _span(start, window.end)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def _column_schema(dataset: Dataset) -> dg.TableSchema:
    from orchestration.warehouse import raw_columns

    return dg.TableSchema(
        [
            dg.TableColumn(name, dtype.lower(), description=description)
            for name, (dtype, description) in raw_columns(dataset).items()
        ]
    )


def _metadata(report: DatasetReport) -> dict[str, dg.MetadataValue]:
    newest = report.newest_period_end
    return {
        "dagster/row_count": dg.MetadataValue.int(report.total_row_count),
        "status": dg.MetadataValue.text(report.status),
        "new rows": dg.MetadataValue.int(report.new_row_count),
        "changed rows": dg.MetadataValue.int(report.changed_row_count),
        "fetched rows": dg.MetadataValue.int(report.fetched_row_count),
        "duplicate rows": dg.MetadataValue.int(report.duplicate_row_count),
        "availability observed": dg.MetadataValue.int(report.observed_row_count),
        "availability assumed": dg.MetadataValue.int(report.assumed_row_count),
        "asked for": dg.MetadataValue.text(report.asked_for or "nothing: up to date"),
        "windows": dg.MetadataValue.int(report.window_count),
        "responses": dg.MetadataValue.int(report.body_count),
        "responses not published": dg.MetadataValue.int(report.absent_count),
        "responses in quarantine": dg.MetadataValue.int(report.quarantined_count),
        "newest period ends": dg.MetadataValue.text("never" if newest is None else newest.isoformat()),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
    }


def _checks(dataset: Dataset, report: DatasetReport, now: datetime) -> list[dg.AssetCheckResult]:
    newest = report.newest_period_end
    age = None if newest is None else max(now - newest, timedelta(0))
    # Stale or widened answers are the provider's doing: the index shows both in its coverage, `undertow status` in its
    # table. Only what we received and could not read is an error.
    return [
        dg.AssetCheckResult(
            check_name=_FRESH,
            passed=age is not None and age <= dataset.cadence.stale_after,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "age in hours": "no rows" if age is None else round(age.total_seconds() / 3600, 2),
                "allowed hours": round(dataset.cadence.stale_after.total_seconds() / 3600, 2),
            },
        ),
        dg.AssetCheckResult(
            check_name=_READABLE,
            passed=report.quarantined_count == 0,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"responses in quarantine": report.quarantined_count},
        ),
        dg.AssetCheckResult(
            check_name=_KNOWN,
            passed=not report.novelties,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"columns": ", ".join(report.novelties)} if report.novelties else {},
        ),
        dg.AssetCheckResult(
            check_name=_USUAL,
            passed=not report.finding_count,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={} if report.finding_count is None else {"findings": report.finding_count},
        ),
    ]
