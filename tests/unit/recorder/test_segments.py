"""Segments are whole or not there, whatever happens to the recorder while it writes."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from sources.dataset import UTC, Body, Request, Window
from sources.errors import Malformed
from sources.http import NotHeld, Transport
from sources.providers.recorder import STREAM_COVERAGE, fetch_depth, fetch_liquidations, parse_coverage
from sources.recorder import segments
from sources.recorder.segments import CannotRecord, SegmentWriter, closed_segments
from sources.recorder.spool import SPOOL_ORIGIN, SPOOL_URL, SpoolTransport
from sources.recorder.venues import STREAMS

BYBIT = STREAMS["bybit/liquidations"]
START = datetime(2025, 7, 10, 11, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def writer(tmp_path: Path) -> SegmentWriter:
    return SegmentWriter(tmp_path, BYBIT, max_age=timedelta(minutes=10))


def lines(root: Path, number: int = -1) -> list[dict[str, Any]]:
    content = list(closed_segments(root))[number].read()
    assert content.endswith(b"\n")
    return [json.loads(one) for one in content.splitlines()]


def parts(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.name.endswith(".jsonl.zst")]


def coverage(root: Path) -> list[tuple[str, float, float, str | None]]:
    """(status, start, end, reason) of all segments, in seconds since START."""
    frames = []
    for one in closed_segments(root):
        body = Body(Request(SPOOL_URL), 200, "", one.read(), START, Window(START, at(1)))
        frames.append(STREAM_COVERAGE.conform(parse_coverage(body)))
    rows = pl.concat(frames).sort("started_at").to_dicts()
    return [
        (
            row["status"],
            (row["started_at"] - START).total_seconds(),
            (row["ended_at"] - START).total_seconds(),
            row["reason"],
        )
        for row in rows
    ]


def test_a_message_is_kept_exactly_as_it_came(writer: SegmentWriter, tmp_path: Path) -> None:
    text = '{"a": "\\u2028 ü 🚨\\n",  "b":1e3 }\n\u2028'
    writer.start(START)
    writer.frame(at(1), text)
    writer.stop(at(2), at(1))
    assert [one["frame"] for one in lines(tmp_path) if "frame" in one] == [text]
    assert parts(tmp_path) == []


def test_a_line_is_with_the_system_before_the_next_one_comes(writer: SegmentWriter, tmp_path: Path) -> None:
    writer.start(START)
    writer.frame(at(1), "first")
    (part,) = parts(tmp_path)
    assert b"first" in part.read_bytes()


def test_segments_follow_each_other_by_age_without_a_hole(writer: SegmentWriter, tmp_path: Path) -> None:
    writer.start(START)
    writer.subscribed(at(1))
    writer.tick(at(599), at(590))
    assert list(closed_segments(tmp_path)) == []
    writer.tick(at(600), at(595))
    writer.stop(at(700), at(690))
    assert [one.started_at for one in closed_segments(tmp_path)] == [START, at(600)]
    assert coverage(tmp_path) == [
        ("gap", 0, 1, "not recorded before"),
        ("connected", 1, 595, None),
        ("connected", 595, 690, None),
    ]


def test_segments_follow_each_other_by_size(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, BYBIT, max_age=timedelta(days=1), max_bytes=1000)
    writer.start(START)
    for second in range(30):
        writer.frame(at(second), "x" * 200)
        writer.tick(at(second), at(second))
    writer.stop(at(31), at(31))
    assert len(list(closed_segments(tmp_path))) > 5
    kept = [one for number in range(len(list(closed_segments(tmp_path)))) for one in lines(tmp_path, number)]
    assert sum("frame" in one for one in kept) == 30


class TestKilled:
    def killed(self, writer: SegmentWriter, tmp_path: Path) -> Path:
        writer.start(START)
        writer.subscribed(at(1))
        writer.frame(at(2), "kept")
        writer.frame(at(3), "kept too")
        (part,) = parts(tmp_path)
        writer.abandon()
        return part

    def test_only_the_torn_line_is_lost(self, writer: SegmentWriter, tmp_path: Path) -> None:
        part = self.killed(writer, tmp_path)
        with part.open("ab") as file:
            file.write(b'{"at":"2025-07-10T11:00:04+00:00","frame":"to')
        writer.start(at(3600))
        assert [one["frame"] for one in lines(tmp_path, 0) if "frame" in one] == ["kept", "kept too"]
        assert not part.exists()
        writer.stop(at(3610), at(3610))
        assert coverage(tmp_path)[-2:] == [
            ("connected", 1, 3, None),
            ("gap", 3, 3610, "the recorder was not running"),
        ], "connected to the last line, and nothing is claimed of what comes after it"

    def test_between_renaming_and_removing(self, writer: SegmentWriter, tmp_path: Path) -> None:
        part = self.killed(writer, tmp_path)
        left = part.read_bytes()
        writer.start(at(10))
        writer.stop(at(20), at(20))
        whole = next(iter(closed_segments(tmp_path))).read()
        part.write_bytes(left)
        writer.start(at(30))
        assert not part.exists()
        assert next(iter(closed_segments(tmp_path))).read() == whole

    @pytest.mark.parametrize("content", [b"", b"{", b"\0\0\0\n"])
    def test_before_its_first_line_was_whole(self, writer: SegmentWriter, tmp_path: Path, content: bytes) -> None:
        part = writer.folder / "20250710T110000000000Z.jsonl.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(content)
        writer.start(at(1))
        assert list(closed_segments(tmp_path)) == []
        assert not part.exists()

    def test_while_compressing(self, writer: SegmentWriter, tmp_path: Path) -> None:
        self.killed(writer, tmp_path)
        torn = writer.folder / "20250710T110000000000Z.jsonl.zst.4711.tmp"
        torn.write_bytes(b"half")
        writer.start(at(10))
        assert not torn.exists()
        assert len(list(closed_segments(tmp_path))) == 1

    def test_twice_in_a_row(self, writer: SegmentWriter, tmp_path: Path) -> None:
        self.killed(writer, tmp_path)
        writer.start(at(10))
        writer.abandon()
        writer.start(at(20))
        writer.stop(at(30), at(30))
        assert [row[:3] for row in coverage(tmp_path)] == [
            ("gap", 0, 1),
            ("connected", 1, 3),
            ("gap", 3, 10),
            ("gap", 10, 30),
        ]


class TestFullDisk:
    @pytest.fixture
    def fill(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        """Lets the disk take so many more bytes."""

        def fill(left: int) -> None:
            def write(descriptor: int, content: bytes) -> int:
                nonlocal left
                if left == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                taken = min(left, len(content))
                left -= taken
                return real(descriptor, content[:taken])

            monkeypatch.setattr(segments.os, "write", write)

        real = os.write
        return fill

    def test_half_a_line_is_taken_back(
        self, writer: SegmentWriter, tmp_path: Path, fill: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer.start(START)
        writer.frame(at(1), "whole")
        fill(20)
        with pytest.raises(CannotRecord, match=r"No space left on device.*free some space"):
            writer.frame(at(2), "this one does not fit any more")
        writer.abandon()
        (part,) = parts(tmp_path)
        assert part.read_bytes().endswith(b'"frame":"whole"}\n')
        monkeypatch.undo()
        writer.start(at(60))
        assert [one["frame"] for one in lines(tmp_path, 0) if "frame" in one] == ["whole"]

    def test_no_room_for_the_compressed_one_leaves_the_other(
        self, writer: SegmentWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def replace(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        writer.start(START)
        writer.frame(at(1), "whole")
        monkeypatch.setattr(segments.os, "replace", replace)
        with pytest.raises(CannotRecord):
            writer.stop(at(2), at(1))
        assert [path.suffix for path in parts(tmp_path)] == [".part"]
        monkeypatch.undo()
        writer.start(at(3))
        assert [one["frame"] for one in lines(tmp_path, 0) if "frame" in one] == ["whole"]


def test_a_damaged_last_segment_does_not_stop_the_next_recording(writer: SegmentWriter, tmp_path: Path) -> None:
    writer.start(START)
    writer.stop(at(10), at(10))
    next(iter(closed_segments(tmp_path))).path.write_bytes(b"rust")
    writer.start(at(20))
    writer.stop(at(30), at(30))
    assert lines(tmp_path)[0]["since"] == START.isoformat()


def test_a_gap_begins_at_the_last_sign_of_life(writer: SegmentWriter, tmp_path: Path) -> None:
    writer.start(START)
    writer.subscribed(at(1))
    writer.count()
    writer.lost(at(100), at(40), "no sign of life for 60 s")
    writer.failed(at(110), "ConnectionRefusedError")
    writer.failed(at(120), "ConnectionRefusedError")
    writer.subscribed(at(130))
    writer.stop(at(200), at(199))
    assert coverage(tmp_path)[-4:] == [
        ("connected", 1, 40, None),
        ("gap", 40, 110, "no sign of life for 60 s"),
        ("gap", 110, 130, "ConnectionRefusedError"),
        ("connected", 130, 199, None),
    ]


class TestSpool:
    @pytest.fixture
    def line(self, tmp_path: Path) -> Transport:
        writer = SegmentWriter(tmp_path, BYBIT, max_age=timedelta(minutes=10))
        writer.start(START)
        writer.subscribed(at(1))
        writer.frame(at(2), '{"event":"opened"},"event":')
        writer.stop(at(50), at(49))
        mounts = {SPOOL_ORIGIN: SpoolTransport(tmp_path)}
        return Transport(now=lambda: at(3600), mounts=mounts, paced=False, retry_wait=0.001)

    def client(self, transport: Transport, held: Callable[[Request], bool] | None = None) -> Any:
        return transport.client(STREAM_COVERAGE, Window(START, at(3600)), held)

    def test_a_segment_came_when_the_recorder_had_it(self, line: Transport) -> None:
        window = Window(START, at(3600))
        (body,) = fetch_liquidations(window, self.client(line))
        assert body.retrieved_at == at(50)
        assert body.request.url == f"{SPOOL_URL}/bybit/liquidations/20250710T110000000000Z"
        assert list(fetch_depth(window, self.client(line))) == []

    def test_what_the_archive_holds_is_not_asked_for_again(self, line: Transport) -> None:
        assert list(fetch_liquidations(Window(START, at(3600)), self.client(line, lambda _: True))) == []

    def test_segments_of_later_are_not_told(self, line: Transport) -> None:
        assert list(fetch_liquidations(Window(START - timedelta(days=1), START), self.client(line))) == []

    def test_no_message_passes_for_an_event(self, line: Transport) -> None:
        body = self.client(line).get(f"{SPOOL_URL}/bybit/liquidations/20250710T110000000000Z", {"part": "events"})
        events = [json.loads(one).get("event") for one in body.content.splitlines()]
        assert events == ["opened", "subscribed", "closed"]

    def test_a_damaged_segment_costs_itself_only(self, line: Transport, tmp_path: Path) -> None:
        writer = SegmentWriter(tmp_path, BYBIT, max_age=timedelta(minutes=10))
        writer.start(at(100))
        writer.stop(at(110), at(110))
        next(iter(closed_segments(tmp_path))).path.write_bytes(b"rust")
        bodies = []
        with pytest.raises(Malformed, match=r"20250710T110000000000Z.*is damaged"):
            for body in fetch_liquidations(Window(START, at(3600)), self.client(line)):
                bodies.append(body)
        assert [body.request.url.rpartition("/")[2] for body in bodies] == ["20250710T110140000000Z"]

    @pytest.mark.parametrize("path", ["/", "/nothing", "/bybit/liquidations/x", "/bybit/../x/20250710T110000000000Z"])
    def test_other_paths_are_not_found(self, tmp_path: Path, path: str) -> None:
        with httpx.Client(transport=SpoolTransport(tmp_path)) as client:
            assert client.get(f"{SPOOL_URL}{path}").status_code == 404

    def test_without_a_spool_there_is_nothing(self) -> None:
        with httpx.Client(transport=SpoolTransport(None)) as client:
            assert client.get(f"{SPOOL_URL}/segments").json() == []
            with pytest.raises(NotHeld):
                client.get(f"{SPOOL_URL}/status")
