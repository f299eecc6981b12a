"""The recorder against a server that plays the venues: what it keeps, and what it does when they misbehave."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sources.archive import Archive
from sources.dataset import Body, Rate, Request, Window
from sources.http import Transport
from sources.providers.recorder import DATASETS, STREAM_COVERAGE, parse_coverage
from sources.recorder import session
from sources.recorder.segments import CannotRecord, SegmentWriter, closed_segments
from sources.recorder.session import Options, Recorder
from sources.recorder.spool import SPOOL_URL, events_of
from sources.recorder.stream import DEPTH, LIQUIDATIONS, Stream
from sources.recorder.venues import STREAMS
from tests.unit.recorder.venue_server import ASKED, HANG_UP, Venues, liquidations, playing

BYBIT, BINANCE = "bybit/liquidations", "binance/liquidations"
MESSAGE = liquidations(1)[BYBIT]


@pytest.fixture
def venues() -> Iterator[Venues]:
    with playing() as started:
        yield started


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def hurried(stream: Stream) -> Stream:
    """A stream that is as often connected to as one likes."""
    return replace(stream, connects=Rate(1000, 1.0))


def run(
    venues: Venues,
    root: Path,
    *streams: Stream,
    until: Callable[[Recorder], bool],
    seconds: float = 10.0,
    **options: Any,
) -> Recorder:
    """Record until something is so, then end in order."""
    chosen = Options(
        **{
            "root": root,
            "base_url": venues.url,
            "backoff": (0.02, 0.1),
            "tick_seconds": 0.05,
            "book_seconds": 0.2,
            **options,
        }
    )

    async def work() -> Recorder:
        books = venues.url.replace("ws://", "http://")
        with Transport(now=utc_now, base_url=books, paced=False, retry_wait=0.01) as line:
            recorder = Recorder([hurried(stream) for stream in streams], chosen, line)
            task = asyncio.ensure_future(recorder.run())
            deadline = time.monotonic() + seconds
            while not until(recorder) and not task.done():
                assert time.monotonic() < deadline, recorder.status
                await asyncio.sleep(0.02)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            return recorder

    return asyncio.run(work())


def kept(count: int) -> Callable[[Recorder], bool]:
    """Until every stream has kept so many messages."""
    return lambda recorder: all(status.frame_count >= count for status in recorder.status.values())


def lines(root: Path, label: str = BYBIT) -> list[dict[str, Any]]:
    return [
        json.loads(one) for segment in closed_segments(root, *label.split("/")) for one in segment.read().splitlines()
    ]


def frames(root: Path, label: str = BYBIT) -> list[str]:
    return [one["frame"] for one in lines(root, label) if "frame" in one]


def spans(root: Path, label: str = BYBIT) -> list[dict[str, Any]]:
    found = []
    for segment in closed_segments(root, *label.split("/")):
        now = utc_now()
        body = Body(Request(SPOOL_URL), 200, "", events_of(segment.read()), now, Window(now - timedelta(hours=1), now))
        found += STREAM_COVERAGE.conform(parse_coverage(body)).to_dicts()
    return found


def reasons(root: Path, label: str = BYBIT) -> str:
    return "; ".join(str(span["reason"]) for span in spans(root, label) if span["status"] == "gap")


def test_every_venue_is_listened_to(venues: Venues, tmp_path: Path) -> None:
    venues.play_all()
    streams = [stream for stream in STREAMS.values() if stream.kind == LIQUIDATIONS]
    recorder = run(venues, tmp_path, *streams, until=kept(1))
    for label, message in liquidations(1).items():
        expected = 2 if label == "bitmex/liquidations" else 1
        assert frames(tmp_path, label)[-1] == message
        assert len(frames(tmp_path, label)) == expected
        assert [span["status"] for span in spans(tmp_path, label)][-1] == "connected"
        assert recorder.status[label].reconnect_count == 0
    assert not list(tmp_path.rglob("*.part"))


def test_every_book_is_asked_for(venues: Venues, tmp_path: Path) -> None:
    streams = [stream for stream in STREAMS.values() if stream.kind == DEPTH]
    run(venues, tmp_path, *streams, until=kept(2), seconds=30)
    for stream in streams:
        answer = json.dumps(venues.books[stream.url.split("/")[2]])
        assert set(frames(tmp_path, stream.label)) == {answer}
        assert spans(tmp_path, stream.label)[-1]["kept_message_count"] >= 1


def test_subscriptions_and_headers_are_the_venues_own(venues: Venues, tmp_path: Path) -> None:
    venues.play_all()
    streams = [stream for stream in STREAMS.values() if stream.kind == LIQUIDATIONS]
    run(venues, tmp_path, *streams, until=kept(1))
    assert json.loads(venues.received[BYBIT][0])["args"][0] == "allLiquidation.BTCUSDT"
    assert venues.received[BINANCE] == []
    gate = json.loads(venues.received["gate/liquidations"][0])
    assert abs(gate["time"] - time.time()) < 60
    assert gate["payload"] == ["!all"]
    assert venues.headers["gate/liquidations"]["X-Gate-Size-Decimal"] == "1"
    methods = [json.loads(one)["method"] for one in venues.received["deribit/liquidations"]]
    assert methods == ["public/set_heartbeat", "public/subscribe", "public/test"]


def test_a_broken_connection_is_made_again_and_the_gap_is_written(venues: Venues, tmp_path: Path) -> None:
    venues.play(BYBIT, (MESSAGE, HANG_UP), (MESSAGE,))
    recorder = run(venues, tmp_path, STREAMS[BYBIT], until=kept(2))
    assert recorder.status[BYBIT].reconnect_count == 1
    found = spans(tmp_path)
    assert [span["status"] for span in found] == ["gap", "connected", "gap", "connected"]
    assert "ConnectionClosed" in found[2]["reason"]
    assert found[2]["started_at"] == found[1]["ended_at"], "from the last sign of life on"
    assert found[2]["ended_at"] == found[3]["started_at"]
    assert [span["kept_message_count"] for span in found] == [0, 1, 0, 1]


def test_garbage_is_kept_apart_and_costs_nothing(venues: Venues, tmp_path: Path) -> None:
    venues.play(BYBIT, ("<html>busy</html>", b"\xff\xfe\x00garbage", MESSAGE))
    recorder = run(venues, tmp_path, STREAMS[BYBIT], until=kept(1))
    assert frames(tmp_path) == [MESSAGE]
    assert next(one["text"] for one in lines(tmp_path) if one.get("event") == "unread") == "<html>busy</html>"
    assert spans(tmp_path)[-1]["unread_message_count"] == 2
    assert recorder.status[BYBIT].reconnect_count == 0


def test_a_huge_message_ends_the_connection_and_not_the_recorder(
    venues: Venues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_FRAME_BYTES", 50_000)
    venues.play(BYBIT, ("x" * 100_000,), (MESSAGE,))
    run(venues, tmp_path, STREAMS[BYBIT], until=kept(1))
    assert frames(tmp_path) == [MESSAGE]
    assert "1009" in reasons(tmp_path)


def test_a_refused_subscription_is_asked_again_with_pauses(venues: Venues, tmp_path: Path) -> None:
    no = (ASKED, '{"success":false,"ret_msg":"handler not found","op":"subscribe"}')
    venues.play(BYBIT, no, no, no, (ASKED, '{"success":true,"op":"subscribe"}', MESSAGE), acknowledged=False)
    run(venues, tmp_path, STREAMS[BYBIT], until=kept(1))
    assert "the venue says: handler not found" in reasons(tmp_path)
    assert [span["status"] for span in spans(tmp_path)][-1] == "connected"


def test_a_subscription_nobody_confirms_is_no_connection(
    venues: Venues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ACKNOWLEDGE_SECONDS", 0.2)
    venues.play(BYBIT, (ASKED,), acknowledged=False)
    run(venues, tmp_path, STREAMS[BYBIT], until=lambda _: venues.connections[BYBIT] >= 3)
    assert {span["status"] for span in spans(tmp_path)} == {"gap"}
    assert "no answer to the subscription" in reasons(tmp_path)


def test_silence_is_a_lost_connection_from_the_last_sign_of_life_on(venues: Venues, tmp_path: Path) -> None:
    quiet = replace(STREAMS[BYBIT], ping_seconds=0.2, quiet_seconds=0.6)
    venues.play(BYBIT, (MESSAGE,))
    run(venues, tmp_path, quiet, until=lambda _: venues.connections[BYBIT] >= 2)
    assert venues.received[BYBIT].count('{"op":"ping"}') >= 2
    gap = next(span for span in spans(tmp_path) if "no sign of life" in str(span["reason"]))
    assert (gap["ended_at"] - gap["started_at"]).total_seconds() >= 0.6


def test_answers_to_pings_keep_a_calm_stream_alive(venues: Venues, tmp_path: Path) -> None:
    calm = replace(STREAMS[BINANCE], ping_seconds=0.1, quiet_seconds=0.4)
    started = time.monotonic()
    recorder = run(venues, tmp_path, calm, until=lambda _: time.monotonic() - started > 1.5)
    assert recorder.status[BINANCE].reconnect_count == 0
    connected = spans(tmp_path, BINANCE)[-1]
    assert (connected["ended_at"] - connected["started_at"]).total_seconds() > 1.0
    assert connected["kept_message_count"] == 0, "connected, and nothing happened"


def test_alive_is_written_from_time_to_time(venues: Venues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "ALIVE_SECONDS", 0.2)
    calm = replace(STREAMS[BINANCE], ping_seconds=0.05)
    started = time.monotonic()
    run(venues, tmp_path, calm, until=lambda _: time.monotonic() - started > 1.0)
    assert [one.get("event") for one in lines(tmp_path, BINANCE)].count("alive") >= 2


def test_a_venue_is_not_called_more_often_than_it_allows(venues: Venues, tmp_path: Path) -> None:
    venues.play(BYBIT, (HANG_UP,))
    allowed = replace(STREAMS[BYBIT], connects=Rate(2, 30.0))

    async def work() -> None:
        options = Options(root=tmp_path, base_url=venues.url, backoff=(0.01, 0.01))
        with Transport(now=utc_now) as line, pytest.raises(TimeoutError):
            await asyncio.wait_for(Recorder([allowed], options, line).run(), 1.5)

    asyncio.run(work())
    assert venues.connections[BYBIT] == 2


def test_pauses_double_and_end_at_the_longest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(session.random, "uniform", lambda low, high: (low + high) / 2)
    monkeypatch.setattr(session.asyncio, "sleep", sleep)

    async def fail() -> str:
        if len(pauses) > 24:
            raise asyncio.CancelledError
        raise OSError("down")

    with Transport(now=utc_now) as line:
        options = Options(root=tmp_path, backoff=(1.0, 60.0))
        listener = session._Listener(hurried(STREAMS[BYBIT]), options, line, session.Status())
        listener._writer.start(utc_now())
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(listener._again_and_again(fail))
    assert [round(pause) for pause in pauses[1::2]][:8] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (500, "HTTP 500"),
        (451, "refuses"),
        (b"<html>", "the answer is no book"),
        ({"retCode": 10006, "retMsg": "Too many visits!", "result": {}}, "error 10006"),
    ],
)
def test_a_book_that_does_not_come_is_a_gap(venues: Venues, tmp_path: Path, answer: object, reason: str) -> None:
    venues.books["api.bybit.com"] = answer
    run(venues, tmp_path, STREAMS["bybit/book_btcusdt"], until=lambda _: venues.asked["api.bybit.com"] >= 2)
    assert frames(tmp_path, "bybit/book_btcusdt") == []
    assert reason in reasons(tmp_path, "bybit/book_btcusdt")


def test_what_is_known_of_a_book_ends_with_the_last_one(venues: Venues, tmp_path: Path) -> None:
    label, host = "bybit/book_btcusdt", "api.bybit.com"

    def is_refused(recorder: Recorder) -> bool:
        if recorder.status[label].frame_count >= 2:
            venues.books[host] = {"retCode": 10006, "retMsg": "Too many visits!", "result": {}}
        return recorder.status[label].state == "gap"

    run(venues, tmp_path, STREAMS[label], until=is_refused)
    last_book = max(datetime.fromisoformat(one["at"]) for one in lines(tmp_path, label) if "frame" in one)
    gap = next(span for span in spans(tmp_path, label) if "error 10006" in str(span["reason"]))
    assert gap["started_at"] == last_book


def test_one_dead_venue_costs_itself_only(venues: Venues, tmp_path: Path) -> None:
    venues.play(BYBIT, (HANG_UP,))
    venues.play(BINANCE, (liquidations(1)[BINANCE],))
    run(
        venues,
        tmp_path,
        STREAMS[BYBIT],
        STREAMS[BINANCE],
        until=lambda recorder: recorder.status[BINANCE].frame_count > 0 and venues.connections[BYBIT] > 2,
    )
    assert frames(tmp_path, BINANCE) == [liquidations(1)[BINANCE]]


def test_segments_are_closed_while_recording(venues: Venues, tmp_path: Path) -> None:
    venues.play(BYBIT, (MESSAGE, 0.5, MESSAGE))
    run(venues, tmp_path, STREAMS[BYBIT], until=kept(2), max_age=timedelta(seconds=0.2))
    assert len(list(closed_segments(tmp_path))) >= 3
    found = [span for span in spans(tmp_path) if span["status"] == "connected"]
    assert all(one["ended_at"] == two["started_at"] for one, two in pairwise(found))
    assert frames(tmp_path) == [MESSAGE, MESSAGE]


def test_a_disk_that_is_full_ends_everything_with_one_line(
    venues: Venues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venues.play_all()
    real = SegmentWriter.frame

    def frame(self: SegmentWriter, at: datetime, text: str) -> None:
        if self.folder.parent.name == "gate":
            raise CannotRecord("no space")
        real(self, at, text)

    monkeypatch.setattr(SegmentWriter, "frame", frame)
    streams = [stream for stream in STREAMS.values() if stream.kind == LIQUIDATIONS]
    with pytest.raises(CannotRecord, match="no space"):
        run(venues, tmp_path, *streams, until=lambda _: False)


def test_segments_that_are_archived_and_old_are_removed(tmp_path: Path) -> None:
    stream = STREAMS[BYBIT]
    writer = SegmentWriter(tmp_path / "spool", stream, max_age=timedelta(minutes=10))
    old = utc_now() - timedelta(days=8)
    for start in (old, old + timedelta(hours=1), utc_now()):
        writer.start(start)
        writer.stop(start + timedelta(minutes=1), start)
    names = [one.name for one in closed_segments(tmp_path / "spool")]
    options = Options(root=tmp_path / "spool", archive=tmp_path / "archive", keep=timedelta(days=7))
    with Transport(now=utc_now) as line:
        recorder = Recorder([stream], options, line, DATASETS)
        assert recorder.prune() == 0, "nothing is archived"
        for dataset in DATASETS:
            if dataset.name == "depth":
                continue
            params = (("part", "events"),) if dataset.name == "coverage" else ()
            for name in (names[0], names[2]):  # The middle one is not archived, the last one is new.
                request = Request(f"{SPOOL_URL}/{BYBIT}/{name}", params)
                window = Window(old, utc_now())
                Archive(tmp_path / "archive", dataset).store(Body(request, 200, "", b"{}", old, window), "run-1")
        assert recorder.prune() == 1
    assert [one.name for one in closed_segments(tmp_path / "spool")] == names[1:]


def test_the_newest_segment_of_a_stream_stays(tmp_path: Path) -> None:
    stream = STREAMS[BYBIT]
    writer = SegmentWriter(tmp_path / "spool", stream, max_age=timedelta(minutes=10))
    old = utc_now() - timedelta(days=30)
    writer.start(old)
    writer.stop(old + timedelta(minutes=1), old)
    (name,) = [one.name for one in closed_segments(tmp_path / "spool")]
    for dataset in DATASETS:
        params = (("part", "events"),) if dataset.name == "coverage" else ()
        body = Body(Request(f"{SPOOL_URL}/{BYBIT}/{name}", params), 200, "", b"{}", old, Window(old, utc_now()))
        Archive(tmp_path / "archive", dataset).store(body, "run-1")
    options = Options(root=tmp_path / "spool", archive=tmp_path / "archive", keep=timedelta(days=7))
    with Transport(now=utc_now) as line:
        assert Recorder([stream], options, line, DATASETS).prune() == 0
    writer.start(utc_now())
    writer.stop(utc_now(), utc_now())
    assert spans(tmp_path / "spool")[-1]["reason"] == "the recorder was not running"
