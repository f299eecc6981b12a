"""Write-once store of response bodies, and the manifest that says what each one answered.

    <root>/<provider>/<dataset>/<yyyy-mm-dd>/<sha256-16>.<ext>[.zst]
    <root>/<provider>/<dataset>/manifest.jsonl
    <root>/<provider>/<dataset>/finished.jsonl

A body is stored before anyone tries to read it. The same bytes twice are one file and two manifest rows. The manifest
is append-only; its line number is the retrieval's sequence number, which the warehouse keeps beside what it landed.
A second list names the windows that came completely. So raw tables are a pure function of the archive, and a landing
that was cut off is finished from here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import zstandard

from sources.dataset import Body, Dataset, Request, Window

_EXTENSIONS = (("zip", "zip"), ("json", "json"), ("html", "html"), ("csv", "csv"), ("excel", "xls"))


class CorruptArchive(Exception):
    """A stored body no longer has the hash it was stored under."""


@dataclass(frozen=True)
class Entry:
    """One retrieval.

    Args:
        sequence: position in the dataset's manifest, from 1.
        run_id: the run that fetched it.
        window: the window it was fetched for.
        sha256: of the decoded body.
        path: of the stored body, relative to the dataset's folder.
        companions: sequence numbers of the responses it is read with.
        is_companion: whether it only serves another body.
        error: why fetching gave up on it, as `Kind: message`; None for an answer.
    """

    sequence: int
    run_id: str
    window: Window
    request: Request
    status: int
    content_type: str
    retrieved_at: datetime
    sha256: str
    byte_count: int
    path: str
    companions: tuple[int, ...]
    is_companion: bool
    error: str | None = None


class Archive:
    """The archive of one dataset.

    Not for two writers at once: sequence numbers follow what was read first. Landing holds the dataset's lock from
    before it makes one until it is done.

    Args:
        root: the market's archive folder.
        dataset: whose bodies.
    """

    def __init__(self, root: Path, dataset: Dataset) -> None:
        self._folder = root / dataset.provider.name / dataset.name
        self._manifest = self._folder / "manifest.jsonl"
        self._finished = self._folder / "finished.jsonl"
        self._entries: list[Entry] | None = None
        self._paths: dict[str, str] = {}
        self._ends_whole = False
        self._answered: set[Request] = set()
        self._answered_until = 0

    def store(self, body: Body, run_id: str, *, is_companion: bool = False, error: str | None = None) -> Entry:
        """Keep a body and its companions; return its manifest entry.

        Args:
            body: what came.
            run_id: the run that fetched it.
            is_companion: whether it only serves another body.
            error: why fetching gave up on it: evidence that is kept but never parsed.

        Raises:
            OSError: disk full, no permission. Nothing half-written remains.
        """
        entries = self._read()
        companions = tuple(self.store(companion, run_id, is_companion=True).sequence for companion in body.companions)
        path = self._paths.get(body.sha256) or self._write(body)
        entry = Entry(
            sequence=len(entries) + 1,
            run_id=run_id,
            window=body.window,
            request=body.request,
            status=body.status,
            content_type=body.content_type,
            retrieved_at=body.retrieved_at,
            sha256=body.sha256,
            byte_count=len(body.content),
            path=path,
            companions=companions,
            is_companion=is_companion,
            error=error,
        )
        self._append(entry)
        entries.append(entry)
        self._paths[body.sha256] = path
        return entry

    def holds(self, request: Request) -> bool:
        """Whether an answer to a request is stored; an error that was kept as evidence is none."""
        entries = self._read()
        if self._answered_until < len(entries):
            new = entries[self._answered_until :]
            self._answered |= {entry.request for entry in new if entry.error is None and not entry.is_companion}
            self._answered_until = len(entries)
        return request in self._answered

    def entries(self, after: int = 0) -> list[Entry]:
        """Retrievals with a sequence number above `after`, in order."""
        return self._read()[after:]

    def groups(self, after: int = 0) -> Iterator[list[Entry]]:
        """Retrievals above `after` as they were fetched together: consecutive, same run, same window."""
        for _, group in groupby(self.entries(after), key=lambda entry: (entry.run_id, entry.window)):
            yield list(group)

    def finish(self, run_id: str, window: Window) -> None:
        """Note that every response of a window is stored.

        Raises:
            OSError: disk full, no permission.
        """
        line = {"run_id": run_id, "window": [window.start.isoformat(), window.end.isoformat()]}
        self._folder.mkdir(parents=True, exist_ok=True)
        # The leading line break keeps a line that was torn by a kill from swallowing this one.
        with open(self._finished, "ab") as finished:
            finished.write(b"\n" + json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def finished(self) -> frozenset[tuple[str, Window]]:
        """Run and window of every window of which all responses are stored."""
        if not self._finished.exists():
            return frozenset()
        pairs = set()
        for line in self._finished.read_bytes().split(b"\n")[:-1]:
            if line.endswith(b"}"):
                row = json.loads(line)
                start, end = (datetime.fromisoformat(moment) for moment in row["window"])
                pairs.add((row["run_id"], Window(start, end)))
        return frozenset(pairs)

    def load(self, entry: Entry) -> Body:
        """The body of an entry, exactly as it came.

        Raises:
            CorruptArchive: if the stored bytes have another hash.
            FileNotFoundError: if the file was removed.
        """
        content = (self._folder / entry.path).read_bytes()
        if entry.path.endswith(".zst"):
            try:
                content = zstandard.ZstdDecompressor().decompress(content)
            except zstandard.ZstdError:
                raise self._corrupt(entry) from None
        body = Body(
            request=entry.request,
            status=entry.status,
            content_type=entry.content_type,
            content=content,
            retrieved_at=entry.retrieved_at,
            window=entry.window,
            companions=tuple(self.load(self._read()[number - 1]) for number in entry.companions),
        )
        if body.sha256 != entry.sha256:
            raise self._corrupt(entry)
        return body

    def _corrupt(self, entry: Entry) -> CorruptArchive:
        path = self._folder / entry.path
        return CorruptArchive(f"{path} holds other bytes than were stored; restore it from a backup")

    def _read(self) -> list[Entry]:
        if self._entries is None:
            self._entries = []
            if self._manifest.exists():
                # A line without its newline was cut off while being written: its run never got to use it.
                lines = self._manifest.read_bytes().split(b"\n")[:-1]
                self._entries = [_decode(number, line) for number, line in enumerate(lines, start=1)]
                self._paths = {entry.sha256: entry.path for entry in self._entries}
        return self._entries

    def _write(self, body: Body) -> str:
        compressed = not body.content.startswith(b"PK")
        name = f"{body.sha256[:16]}.{_extension(body.content_type)}{'.zst' if compressed else ''}"
        path = Path(f"{body.retrieved_at:%Y-%m-%d}") / name
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{name}.{os.getpid()}.part")
        try:
            part.write_bytes(zstandard.ZstdCompressor(level=3).compress(body.content) if compressed else body.content)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return path.as_posix()

    def _append(self, entry: Entry) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._manifest, "ab+") as manifest:
            if not self._ends_whole:
                # A writer that was killed inside a line left a torn one, which no run got to use.
                manifest.seek(0)
                manifest.truncate(manifest.read().rfind(b"\n") + 1)
            # Until the line is whole again: a full disk can tear it too.
            self._ends_whole = False
            manifest.write(_encode(entry))
        self._ends_whole = True


def _extension(content_type: str) -> str:
    return next((extension for mark, extension in _EXTENSIONS if mark in content_type), "bin")


def _encode(entry: Entry) -> bytes:
    row = {
        "run_id": entry.run_id,
        "window": [entry.window.start.isoformat(), entry.window.end.isoformat()],
        "method": entry.request.method,
        "url": entry.request.url,
        "params": entry.request.params,
        "content": entry.request.content,
        "status": entry.status,
        "content_type": entry.content_type,
        "retrieved_at": entry.retrieved_at.isoformat(),
        "sha256": entry.sha256,
        "bytes": entry.byte_count,
        "path": entry.path,
    }
    if not entry.request.content:
        del row["content"]
    if entry.companions:
        row["companions"] = entry.companions
    if entry.is_companion:
        row["is_companion"] = True
    if entry.error is not None:
        row["error"] = entry.error
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _decode(sequence: int, line: bytes) -> Entry:
    row = json.loads(line)
    start, end = (datetime.fromisoformat(moment) for moment in row["window"])
    return Entry(
        sequence=sequence,
        run_id=row["run_id"],
        window=Window(start, end),
        request=Request(
            row["url"],
            tuple((name, value) for name, value in row["params"]),
            row["method"],
            row.get("content", ""),
        ),
        status=row["status"],
        content_type=row["content_type"],
        retrieved_at=datetime.fromisoformat(row["retrieved_at"]),
        sha256=row["sha256"],
        byte_count=row["bytes"],
        path=row["path"],
        companions=tuple(row.get("companions", ())),
        is_companion=row.get("is_companion", False),
        error=row.get("error"),
    )
