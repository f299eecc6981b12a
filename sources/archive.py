"""Write-once store of response bodies, and the manifest that says what each one answered.

    <root>/<provider>/<dataset>/<yyyy-mm-dd>/<sha256-16>.<ext>[.zst]
    <root>/<provider>/<dataset>/manifest.jsonl

A body is stored before anyone tries to read it. The same bytes twice are one file and two manifest rows. The manifest
is append-only; its line number is the retrieval's sequence number, which the warehouse keeps beside what it landed.
So raw tables are a pure function of the archive, and a landing that was cut off is finished from here.
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


class Archive:
    """The archive of one dataset.

    Args:
        root: the market's archive folder.
        dataset: whose bodies.
    """

    def __init__(self, root: Path, dataset: Dataset) -> None:
        self._folder = root / dataset.provider.name / dataset.name
        self._manifest = self._folder / "manifest.jsonl"
        self._entries: list[Entry] | None = None
        self._paths: dict[str, str] = {}

    def store(self, body: Body, run_id: str, *, is_companion: bool = False) -> Entry:
        """Keep a body and its companions; return its manifest entry.

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
        )
        self._append(entry)
        entries.append(entry)
        self._paths[body.sha256] = path
        return entry

    def entries(self, after: int = 0) -> list[Entry]:
        """Retrievals with a sequence number above `after`, in order."""
        return self._read()[after:]

    def groups(self, after: int = 0) -> Iterator[list[Entry]]:
        """Retrievals above `after` as they were fetched together: consecutive, same run, same window."""
        for _, group in groupby(self.entries(after), key=lambda entry: (entry.run_id, entry.window)):
            yield list(group)

    def load(self, entry: Entry) -> Body:
        """The body of an entry, exactly as it came.

        Raises:
            CorruptArchive: if the stored bytes have another hash.
            FileNotFoundError: if the file was removed.
        """
        content = (self._folder / entry.path).read_bytes()
        if entry.path.endswith(".zst"):
            content = zstandard.ZstdDecompressor().decompress(content)
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
            raise CorruptArchive(f"{self._folder / entry.path} holds other bytes than were stored; restore it from a backup")
        return body

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
        line = _encode(entry)
        self._folder.mkdir(parents=True, exist_ok=True)
        with open(self._manifest, "ab") as manifest:
            end = manifest.tell()
            if end and entry.sequence == len(self._read()) + 1:
                self._mend(end)
            manifest.write(line)

    def _mend(self, end: int) -> None:
        """Drop the torn last line of a manifest, if a writer was killed inside it."""
        with open(self._manifest, "rb+") as manifest:
            manifest.seek(end - 1)
            if manifest.read(1) == b"\n":
                return
            manifest.seek(0)
            whole = manifest.read().rfind(b"\n") + 1
            manifest.truncate(whole)


def _extension(content_type: str) -> str:
    return next((extension for mark, extension in _EXTENSIONS if mark in content_type), "bin")


def _encode(entry: Entry) -> bytes:
    row = {
        "run_id": entry.run_id,
        "window": [entry.window.start.isoformat(), entry.window.end.isoformat()],
        "method": entry.request.method,
        "url": entry.request.url,
        "params": entry.request.params,
        "status": entry.status,
        "content_type": entry.content_type,
        "retrieved_at": entry.retrieved_at.isoformat(),
        "sha256": entry.sha256,
        "bytes": entry.byte_count,
        "path": entry.path,
    }
    if entry.companions:
        row["companions"] = entry.companions
    if entry.is_companion:
        row["is_companion"] = True
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _decode(sequence: int, line: bytes) -> Entry:
    row = json.loads(line)
    start, end = (datetime.fromisoformat(moment) for moment in row["window"])
    return Entry(
        sequence=sequence,
        run_id=row["run_id"],
        window=Window(start, end),
        request=Request(row["url"], tuple((name, value) for name, value in row["params"]), row["method"]),
        status=row["status"],
        content_type=row["content_type"],
        retrieved_at=datetime.fromisoformat(row["retrieved_at"]),
        sha256=row["sha256"],
        byte_count=row["bytes"],
        path=row["path"],
        companions=tuple(row.get("companions", ())),
        is_companion=row.get("is_companion", False),
    )
