"""Segments: what a stream said for some minutes, line by line, in a file that is whole or not there.

    <root>/<venue>/<stream>/<start>.jsonl.part     being written: what is in it survives the end of the process
    <root>/<venue>/<stream>/<start>.jsonl.zst      closed: synced, renamed into place, never touched again

A line is a JSON object with `at`, the instant it was written. Lines with `frame` hold a message exactly as it came;
lines with `event` say what happened to the stream:

    opened      the first line: which stream, its state since when (`connected` or `gap`, and why)
    subscribed  the venue sends from here on
    lost        it stopped sending at `since`, the last sign of life, which is earlier than the moment it was noticed
    failed      an attempt to connect did, for another reason than the one before
    alive       still connected: without it, no message could not be told from no connection
    unread      a message that is none of the venue's, kept as `text`
    closed      the last line: state until when, and why the segment ends

Events count the messages since the event before: `messages` of any kind, `frames` among them that were kept.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import zstandard

from sources.recorder.stream import Stream

VERSION = 1
CONNECTED, GAP = "connected", "gap"
NOT_RUNNING = "the recorder was not running"
NEVER_BEFORE = "not recorded before"

_CLOSED, _PART = ".jsonl.zst", ".jsonl.part"
_STAMP = "%Y%m%dT%H%M%S%fZ"
_SYNC_SECONDS = 5.0


class CannotRecord(Exception):
    """The spool cannot be written. The message is one line; what had been written is whole."""


@dataclass(frozen=True)
class Segment:
    """A closed segment.

    Args:
        venue, stream: whose.
        started_at: when it was opened; its name.
        path: where it is.
    """

    venue: str
    stream: str
    started_at: datetime
    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(_CLOSED)

    def read(self) -> bytes:
        """Its lines.

        Raises:
            OSError: the file cannot be read.
            zstandard.ZstdError: it is damaged.
        """
        with self.path.open("rb") as file:
            return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()


def closed_segments(root: Path, venue: str | None = None, stream: str | None = None) -> Iterator[Segment]:
    """Closed segments, oldest first in each stream."""
    for path in sorted(root.glob(f"{venue or '*'}/{stream or '*'}/*{_CLOSED}")):
        try:
            started_at = datetime.strptime(path.name, f"{_STAMP}{_CLOSED}").replace(tzinfo=UTC)
        except ValueError:
            continue
        yield Segment(path.parts[-3], path.parts[-2], started_at, path)


def find_segment(root: Path, venue: str, stream: str, name: str) -> Segment | None:
    """The closed segment of that name; None if there is none."""
    path = root / venue / stream / f"{name}{_CLOSED}"
    try:
        started_at = datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Segment(venue, stream, started_at, path) if path.is_file() else None


def stamp(moment: datetime) -> str:
    """An instant as segments are named."""
    return moment.astimezone(UTC).strftime(_STAMP)


def line(at: datetime, **content: object) -> bytes:
    """One line of a segment."""
    text = json.dumps({"at": at.isoformat(), **content}, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


class SegmentWriter:
    """Writes the segments of one stream, one after the other.

    Every line goes to the system at once, so that only a line under way can be lost with the process; what the machine
    could lose with its power is synced every few seconds.

    Args:
        root: the spool.
        stream: whose.
        max_age: after so long a segment is closed.
        max_bytes: or at this size, before compression.
    """

    def __init__(self, root: Path, stream: Stream, *, max_age: timedelta, max_bytes: int = 64 << 20) -> None:
        self.folder = root / stream.venue.name / stream.name
        self._stream = stream
        self._max_age = max_age
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._started_at = datetime.min.replace(tzinfo=UTC)
        self._synced_at = self._started_at
        self._state = GAP
        self._since = self._started_at
        self._reason = ""
        self._messages = self._frames = 0

    def start(self, now: datetime) -> None:
        """Finish what a killed recorder left, and open the first segment with the gap since then.

        Raises:
            CannotRecord: the folder cannot be written.
        """
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in sorted(self.folder.glob(f"*{_PART}")):
                _recover(left)
            for torn in self.folder.glob(f"*{_CLOSED}.*.tmp"):
                torn.unlink()
        until = self._last_end()
        self._state, self._since = GAP, until or now
        self._reason = NOT_RUNNING if until else NEVER_BEFORE
        self._open(now)

    def frame(self, at: datetime, text: str) -> None:
        """Keep a message."""
        self._messages += 1
        self._frames += 1
        self._write(line(at, frame=text))

    def count(self) -> None:
        """Count a message that is not kept."""
        self._messages += 1

    def unread(self, at: datetime, text: str) -> None:
        """Keep a message that is none of the venue's."""
        self._messages += 1
        self.event(at, "unread", text=text[:2000])

    def subscribed(self, at: datetime) -> None:
        """The venue sends from here on."""
        self._state, self._since, self._reason = CONNECTED, at, ""
        self.event(at, "subscribed")

    def lost(self, at: datetime, since: datetime, reason: str) -> None:
        """It has not sent since `since`."""
        since = max(since, self._since) if self._state == CONNECTED else self._since
        self._state, self._since, self._reason = GAP, since, reason
        self.event(at, "lost", since=since.isoformat(), reason=reason)

    def failed(self, at: datetime, reason: str) -> None:
        """Another attempt to connect failed; the gap goes on, from here on for this reason."""
        if reason != self._reason:
            self._since, self._reason = at, reason
            self.event(at, "failed", reason=reason)

    def event(self, at: datetime, kind: str, **content: object) -> None:
        """Write what happened, and what has been counted since the event before."""
        counts = {"messages": self._messages, "frames": self._frames}
        self._write(line(at, event=kind, **content, **{name: count for name, count in counts.items() if count}))
        self._messages = self._frames = 0

    def tick(self, now: datetime, alive_until: datetime) -> None:
        """Close the segment if it is old or large enough and open the next; sync from time to time.

        Args:
            now: the present.
            alive_until: the last sign of life of a connection.
        """
        if now - self._started_at >= self._max_age or self._size >= self._max_bytes:
            reason = "time" if now - self._started_at >= self._max_age else "size"
            self._close(now, alive_until, reason)
            self._open(now)
        elif (now - self._synced_at).total_seconds() >= _SYNC_SECONDS and self._file is not None:
            with _writing(self.folder):
                os.fsync(self._file)
            self._synced_at = now

    def stop(self, now: datetime, alive_until: datetime) -> None:
        """Close the last segment; nothing happens if none is open."""
        if self._file is not None:
            self._close(now, alive_until, "the recorder was ended")

    def abandon(self) -> None:
        """Leave the open segment as it is, for the next start to finish: the disk does not take any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _last_end(self) -> datetime | None:
        paths = list(closed_segments(self.folder.parent.parent, *self.folder.parts[-2:]))
        if not paths:
            return None
        try:
            last = json.loads(paths[-1].read().rstrip(b"\n").rpartition(b"\n")[2])
            return datetime.fromisoformat(last["until"])
        except (zstandard.ZstdError, ValueError, KeyError, OSError):
            # Damaged since it was written; what is known for sure is that it once began.
            return paths[-1].started_at

    def _open(self, now: datetime) -> None:
        path = self.folder / f"{stamp(now)}{_PART}"
        with _writing(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            self._path, self._size, self._started_at, self._synced_at = path, 0, now, now
        state = {"state": self._state, "since": self._since.isoformat()}
        reason = {"reason": self._reason} if self._reason else {}
        whose = {"version": VERSION, "venue": self._stream.venue.name, "stream": self._stream.name}
        self._write(line(now, event="opened", **whose, **state, **reason))

    def _close(self, now: datetime, alive_until: datetime, reason: str) -> None:
        assert self._file is not None and self._path is not None
        # Connected until the last sign of life: the rest is not known yet, and the next segment goes on from there.
        until = max(self._since, min(now, alive_until)) if self._state == CONNECTED else now
        self.event(now, "closed", until=until.isoformat(), reason=reason)
        self._since = until
        with _writing(self._path):
            os.fsync(self._file)
        os.close(self._file)
        self._file = None
        _finish(self._path, self._path.read_bytes())

    def _write(self, content: bytes) -> None:
        assert self._file is not None, "start comes first"
        written = 0
        try:
            while written < len(content):
                written += os.write(self._file, content[written:])
        except OSError as error:
            if written:
                # Half a line would be lost with the next start; a file can always be made shorter.
                os.ftruncate(self._file, self._size)
            raise _cannot(error, self.folder) from None
        self._size += written


def _finish(part: Path, content: bytes) -> None:
    """Compress a whole segment into place; the part goes when that is on the disk."""
    target = part.with_name(part.name.removesuffix(_PART) + _CLOSED)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    with _writing(part):
        try:
            with temporary.open("wb") as file:
                file.write(zstandard.ZstdCompressor(level=6).compress(content))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(part.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        part.unlink()


def _recover(part: Path) -> None:
    """Finish a segment whose recorder was killed: only a torn last line is lost."""
    target = part.with_name(part.name.removesuffix(_PART) + _CLOSED)
    lines = list(takewhile(_is_whole, part.read_bytes().split(b"\n")[:-1]))
    if target.exists() or not lines:
        part.unlink()
        return
    last = json.loads(lines[-1])
    if last.get("event") != "closed":
        reason = "the recorder was killed; a line under way is lost"
        lines.append(line(datetime.fromisoformat(last["at"]), event="closed", until=last["at"], reason=reason)[:-1])
    _finish(part, b"\n".join(lines) + b"\n")


def _is_whole(content: bytes) -> bool:
    """Whether a line was written to its end; a power cut can leave zeros in a file that was not synced."""
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _cannot(error: OSError, where: Path) -> CannotRecord:
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some space and start again; what was recorded is kept, what comes meanwhile is a gap"
    else:
        remedy = "mend the folder and start again"
    return CannotRecord(f"{error.filename or where} cannot be written: {said} ({remedy})")


@contextmanager
def _writing(where: Path) -> Iterator[None]:
    """Makes one line of an operating system's refusal."""
    try:
        yield
    except OSError as error:
        raise _cannot(error, where) from None
