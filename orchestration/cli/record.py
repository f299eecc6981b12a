"""`undertow record`: the recorder with somebody watching."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from rich.live import Live
from rich.table import Table

from orchestration.cli import console
from orchestration.cli.mistakes import INTERRUPTED, Failure, Mistake, printable
from sources.http import Transport
from sources.providers.recorder import DATASETS
from sources.recorder.segments import CONNECTED, CannotRecord, closed_segments
from sources.recorder.session import Options, Recorder, Status
from sources.recorder.stream import Stream
from sources.recorder.venues import STREAMS

if TYPE_CHECKING:
    from orchestration.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_REPORT_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_FIGURES_WIDTH = 75
"""What the table takes beside the reason of a gap, which is cut to the rest: one line per stream."""


def record(settings: Settings, *, venues: Sequence[str], duration: str | None) -> int:
    """Record until the time is over or somebody ends it; return the exit code.

    Raises:
        Mistake: a venue or the duration is not one, or the market has nothing to listen to.
        Failure: another recorder is running, or the spool cannot be written.
    """
    streams = _chosen(venues)
    seconds = _seconds(duration) if duration else None
    if settings.market_name == "simulated":
        raise Mistake(
            "the simulated market's clock stands still, so there is nothing to listen to; its recordings are part of "
            "it, and `undertow refresh` lands them"
        )
    if settings.market_name != "live":
        raise Mistake("a recorded market is over, so there is nothing to listen to; use --market live")
    try:
        settings.recorder_path.mkdir(parents=True, exist_ok=True)
        settings.locks_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{settings.recorder_path} cannot be written: {error.strerror or error}") from None
    lock = FileLock(settings.locks_path / "recorder.lock")
    holder = settings.locks_path / "recorder.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text("utf-8").strip() if holder.exists() else "unknown"
        raise Failure(
            f"another recorder is running for this home (process {pid}, lock {lock.lock_file}); one is enough"
        ) from None
    try:
        holder.write_text(f"{os.getpid()}\n", "utf-8")
        return _run(settings, streams, seconds)
    except CannotRecord as error:
        raise Failure(str(error)) from None
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _run(settings: Settings, streams: Sequence[Stream], seconds: float | None) -> int:
    options = Options(
        root=settings.recorder_path,
        max_age=timedelta(minutes=settings.recorder_segment_minutes),
        book_seconds=settings.recorder_book_seconds,
        keep=timedelta(days=settings.recorder_keep_days),
        archive=settings.archive_path,
        base_url=settings.recorder_url,
    )
    market = settings.open_market()
    books = settings.recorder_url.replace("ws://", "http://", 1) if settings.recorder_url else None
    with Transport(now=market.now, base_url=books) as transport:
        recorder = Recorder(streams, options, transport, DATASETS)
        before = sum(1 for _ in closed_segments(options.root))
        asyncio.run(_watched(recorder, seconds))
        added = max(0, sum(1 for _ in closed_segments(options.root)) - before)
    kept = sum(status.frame_count for status in recorder.status.values())
    out = console.stdout()
    out.print(f"{kept:,} messages kept, {added} segments closed in {options.root}")
    out.print("`undertow refresh --only recorder` lands them", style="dim")
    return 0


async def _watched(recorder: Recorder, seconds: float | None) -> None:
    """Run the recorder, show how it goes, and end it in order."""
    loop = asyncio.get_running_loop()
    recording = asyncio.ensure_future(recorder.run())
    is_asked_to_end = asyncio.Event()

    def end() -> None:
        if is_asked_to_end.is_set():
            # Somebody presses again: what is in the open segments is finished by the next start.
            os._exit(INTERRUPTED)
        is_asked_to_end.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    show = _show_live if sys.stderr.isatty() else _show_lines
    showing = asyncio.ensure_future(show(recorder))
    asking = asyncio.ensure_future(is_asked_to_end.wait())
    try:
        await asyncio.wait({recording, asking, showing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        tasks = (recording, showing, asking)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


async def _show_live(recorder: Recorder) -> None:
    """A table that is kept up to date."""
    with Live(console=console.stderr(), auto_refresh=False, transient=True) as live:
        while True:
            live.update(_table(recorder), refresh=True)
            await asyncio.sleep(_LOOK_SECONDS)


def _table(recorder: Recorder) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("stream", "state", "kept", "messages", "last", "reconnects", ""):
        table.add_column(name, justify="right" if name in ("kept", "messages") else "left", no_wrap=True)
    now = recorder.now()
    room = max(20, console.stderr().width - _FIGURES_WIDTH)
    for label, status in recorder.status.items():
        style = "green" if status.state == CONNECTED else "yellow"
        table.add_row(
            label,
            console.text(status.state, style),
            f"{status.frame_count:,}",
            f"{status.message_count:,}",
            _age(status, now),
            str(status.reconnect_count),
            console.text(status.reason[:room], "dim"),
        )
    return table


def _age(status: Status, now: datetime) -> str:
    if status.last_message_at is None:
        return "never"
    seconds = (now - status.last_message_at).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else console.age(now - status.last_message_at)


async def _show_lines(recorder: Recorder) -> None:
    """A line for every change of state, and one for each stream from time to time and at the end."""
    told: dict[str, tuple[str, str]] = {}
    loop = asyncio.get_running_loop()
    due = loop.time() + _REPORT_SECONDS
    try:
        while True:
            for label, status in recorder.status.items():
                if told.get(label) != (status.state, status.reason):
                    told[label] = (status.state, status.reason)
                    _say(recorder, f"{label} {status.state}{': ' if status.reason else ''}{status.reason}")
            if loop.time() >= due:
                due += _REPORT_SECONDS
                _report(recorder)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        _report(recorder)


def _report(recorder: Recorder) -> None:
    for label, status in recorder.status.items():
        _say(
            recorder,
            f"{label} {status.state}, {status.frame_count} kept of {status.message_count} messages, "
            f"last {_age(status, recorder.now())}, {status.reconnect_count} reconnects",
        )


def _say(recorder: Recorder, text: str) -> None:
    print(f"{recorder.now():%Y-%m-%dT%H:%M:%SZ} {printable(text)}", file=sys.stderr, flush=True)


def _chosen(venues: Sequence[str]) -> list[Stream]:
    known = sorted({stream.venue.name for stream in STREAMS.values()})
    for name in venues:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"choose of {', '.join(known)}"
            raise Mistake(f"no venue {name!r} is recorded: {hint}")
    return [stream for stream in STREAMS.values() if not venues or stream.venue.name in venues]


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text.strip())
    if found is None or float(found[1]) == 0:
        raise Mistake(f"{text!r} is not a length of time; write it as 90s, 10m or 8h")
    return float(found[1]) * _UNITS[found[2]]
