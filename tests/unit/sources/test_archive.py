"""The archive: written once, true to the byte, and whole again after a writer was killed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sources.archive import Archive, CorruptArchive, Entry
from sources.dataset import Body, Request, Window
from sources.registry import DATASETS
from tests.unit.sources import wire

DATASET = DATASETS["fred__daily_series"]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, DATASET)


def again(tmp_path: Path) -> Archive:
    """The archive as the next process finds it."""
    return Archive(tmp_path, DATASET)


def folder(tmp_path: Path) -> Path:
    return tmp_path / "fred" / "daily_series"


def body(content: bytes = b"observation_date,X\n", **changes: object) -> Body:
    return wire.body(DATASET.table, content=content, **changes)


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in folder(tmp_path).rglob("*") if path.is_file() and path.suffix != ".jsonl")


@pytest.mark.parametrize("content", [b"", b"short", b"text\n" * 100_000, os.urandom(10_000), b"PK\x03\x04 zip"])
def test_a_body_comes_back_to_the_byte(archive: Archive, tmp_path: Path, content: bytes) -> None:
    kept = body(content, content_type="text/csv; charset=utf-8", status=203)
    entry = archive.store(kept, "run-1")
    assert again(tmp_path).entries() == [entry]
    assert again(tmp_path).load(entry) == kept


def test_files_lie_by_day_and_hash_and_zips_are_not_packed_again(archive: Archive, tmp_path: Path) -> None:
    text = body(b"text", content_type="text/csv")
    packed = wire.body("binance_vision__um_metrics", content_type="application/zip")
    assert archive.store(text, "r").path == f"2024-07-10/{text.sha256[:16]}.csv.zst"
    assert archive.store(packed, "r").path == f"2024-07-10/{packed.sha256[:16]}.zip"
    assert (folder(tmp_path) / archive.entries()[1].path).read_bytes() == packed.content


def test_the_same_bytes_twice_are_one_file_and_two_retrievals(archive: Archive, tmp_path: Path) -> None:
    first = archive.store(body(), "run-1")
    written_at = (folder(tmp_path) / first.path).stat().st_mtime_ns
    later = body(retrieved_at=wire.NOW + timedelta(days=1))
    second = again(tmp_path).store(later, "run-2")
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.path == second.path
    assert len(files(tmp_path)) == 1
    assert (folder(tmp_path) / first.path).stat().st_mtime_ns == written_at, "written once"
    assert again(tmp_path).load(second) == later, "each retrieval keeps its own time"


def test_companions_are_kept_before_what_they_serve(archive: Archive, tmp_path: Path) -> None:
    served = body(b"PK zip", companions=(body(b"checksum", request=Request("https://x.example/a.CHECKSUM")),))
    entry = archive.store(served, "run-1")
    companion, main = again(tmp_path).entries()
    assert (companion.is_companion, main.is_companion) == (True, False)
    assert main.companions == (companion.sequence,)
    assert again(tmp_path).load(entry) == served


def test_groups_are_what_was_fetched_together(archive: Archive) -> None:
    other = Window(wire.WINDOW.end, wire.WINDOW.end + timedelta(days=1))
    for run_id, window in (("a", wire.WINDOW), ("a", wire.WINDOW), ("a", other), ("b", other)):
        archive.store(replace(body(), window=window), run_id)
    assert [[entry.sequence for entry in group] for group in archive.groups()] == [[1, 2], [3], [4]]
    assert [[entry.sequence for entry in group] for group in archive.groups(after=2)] == [[3], [4]]
    assert [entry.sequence for entry in archive.entries(after=3)] == [4]


def test_evidence_of_a_failure_keeps_its_reason(archive: Archive, tmp_path: Path) -> None:
    archive.store(body(b"<html>"), "run-1", error="refuses (HTTP 403)")
    assert again(tmp_path).entries()[0].error == "refuses (HTTP 403)"


@pytest.mark.parametrize("torn", [b'{"run_id":"x","wind', b"{", b'{"run_id":"whole but for its line end"}'])
def test_a_torn_last_line_is_as_if_never_written(archive: Archive, tmp_path: Path, torn: bytes) -> None:
    first = archive.store(body(b"one"), "run-1")
    manifest = folder(tmp_path) / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + torn)

    reader = again(tmp_path)
    assert reader.entries() == [first]
    assert manifest.read_bytes() == whole + torn, "reading changes nothing"

    second = reader.store(body(b"two"), "run-2")
    third = reader.store(body(b"three"), "run-2")
    assert [entry.sequence for entry in (second, third)] == [2, 3]
    assert again(tmp_path).entries() == [first, second, third]
    lines = manifest.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["run_id"] for line in lines] == ["run-1", "run-2", "run-2"]


def test_a_manifest_torn_in_its_very_first_line_starts_anew(archive: Archive, tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / "manifest.jsonl").write_bytes(b'{"run')
    entry = archive.store(body(), "run-1")
    assert again(tmp_path).entries() == [entry]


def test_a_line_torn_by_a_full_disk_is_mended_by_the_same_writer(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sources import archive as module

    first = archive.store(body(b"one"), "run-1")
    whole_line = module._encode

    def torn(entry: Entry) -> bytes:
        with open(folder(tmp_path) / "manifest.jsonl", "ab") as manifest:
            manifest.write(whole_line(entry)[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_encode", torn)
    with pytest.raises(OSError, match="No space left"):
        archive.store(body(b"two"), "run-1")
    monkeypatch.setattr(module, "_encode", whole_line)
    second = archive.store(body(b"two"), "run-1")
    assert again(tmp_path).entries() == [first, second]


def test_a_write_that_fails_leaves_no_half_file(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        archive.store(body(), "run-1")
    assert files(tmp_path) == []
    assert again(tmp_path).entries() == []


@pytest.mark.parametrize("damage", ["changed", "cut off", "other bytes"])
def test_a_damaged_file_is_noticed(archive: Archive, tmp_path: Path, damage: str) -> None:
    entry = archive.store(body(b"text " * 1000), "run-1")
    path = folder(tmp_path) / entry.path
    content = path.read_bytes()
    if damage == "other bytes":
        other = archive.store(body(b"another text"), "run-1")
        path.write_bytes((folder(tmp_path) / other.path).read_bytes())
    else:
        path.write_bytes(content[:-3] if damage == "cut off" else content[:10] + b"\x00\x00" + content[12:])
    with pytest.raises(CorruptArchive, match="restore it from a backup"):
        again(tmp_path).load(entry)


def test_a_removed_file_is_noticed(archive: Archive, tmp_path: Path) -> None:
    entry = archive.store(body(), "run-1")
    (folder(tmp_path) / entry.path).unlink()
    with pytest.raises(FileNotFoundError):
        again(tmp_path).load(entry)


def test_a_window_is_finished_once_it_is_said_so(archive: Archive, tmp_path: Path) -> None:
    assert archive.finished() == frozenset()
    archive.finish("run-1", wire.WINDOW)
    with open(folder(tmp_path) / "finished.jsonl", "ab") as finished:
        finished.write(b'\n{"run_id":"torn')
    archive.finish("run-2", wire.WINDOW)
    assert again(tmp_path).finished() == {("run-1", wire.WINDOW), ("run-2", wire.WINDOW)}


def test_what_was_posted_comes_back(archive: Archive, tmp_path: Path) -> None:
    posted = Request("https://api.example.com/info", (), "POST", '{"type":"meta"}')
    archive.store(body(request=posted), "run-1")
    archive.store(body(b"other"), "run-1")
    first, second = again(tmp_path).entries()
    assert again(tmp_path).load(first).request == posted
    assert second.request.content == ""
