"""`undertow record` as a process against a server that plays the venues."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.cli.mistakes import Mistake
from orchestration.cli.record import _seconds
from sources.recorder.segments import closed_segments
from tests.unit.cli.conftest import Undertow
from tests.unit.recorder.venue_server import Venues, liquidations, playing

ROOT = Path(__file__).resolve().parents[3]
GATE = "gate/liquidations"


@pytest.fixture
def venues() -> Iterator[Venues]:
    with playing() as started:
        started.play_all()
        yield started


@pytest.fixture
def start(venues: Venues, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command; what still runs at the end of a test is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, preexec_fn: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "record", *arguments],
            cwd=ROOT,
            env={**os.environ, "UNDERTOW_HOME": str(tmp_path), "UNDERTOW_RECORDER_URL": venues.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=preexec_fn,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def spool(tmp_path: Path) -> Path:
    return tmp_path / "live" / "recorder"


def wait_for(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_kept(tmp_path: Path, label: str = GATE) -> bool:
    return any(b'"frame"' in path.read_bytes() for path in (spool(tmp_path) / label).glob("*.part"))


def frames(tmp_path: Path, label: str = GATE) -> list[str]:
    found = []
    for segment in closed_segments(spool(tmp_path), *label.split("/")):
        found += [json.loads(line).get("frame") for line in segment.read().splitlines()]
    return [frame for frame in found if frame is not None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_within_seconds(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    process = start()
    wait_for(lambda: all(is_kept(tmp_path, label) for label in liquidations(1)))
    asked_at = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 0, err
    assert time.monotonic() - asked_at < 5
    assert not list(spool(tmp_path).rglob("*.part"))
    for label, message in liquidations(1).items():
        assert frames(tmp_path, label)[-1] == message
    assert " messages kept, " in out
    assert f"{GATE} connected, 1 kept of 2 messages" in err
    assert "Traceback" not in err


def test_it_ends_when_its_time_is_over(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("--for", "2s", "--venue", "gate")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.splitlines()[0].startswith("1 messages kept, 1 segments closed in ")
    assert {one.venue for one in closed_segments(spool(tmp_path))} == {"gate"}


def test_killed_and_started_again_loses_nothing(
    start: Callable[..., subprocess.Popen[str]], venues: Venues, tmp_path: Path
) -> None:
    first, second = liquidations(1)[GATE], liquidations(2)[GATE]
    venues.play(GATE, (first,), (second,))
    process = start("--venue", "gate")
    wait_for(lambda: is_kept(tmp_path))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    (part,) = (spool(tmp_path) / GATE).glob("*.part")
    with part.open("ab") as file:
        file.write(b'{"at":"2026-')
    again = start("--venue", "gate")
    wait_for(lambda: venues.connections[GATE] == 2 and is_kept(tmp_path))
    again.send_signal(signal.SIGTERM)
    _, err = again.communicate(timeout=15)
    assert again.returncode == 0, err
    assert frames(tmp_path) == [first, second]
    content = b"".join(one.read() for one in closed_segments(spool(tmp_path)))
    assert b"the recorder was killed" in content
    assert b"the recorder was not running" in content


def test_two_at_once_cannot_be(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    first = start("--venue", "gate")
    wait_for(lambda: is_kept(tmp_path))
    second = start("--venue", "okx")
    _, err = second.communicate(timeout=30)
    assert second.returncode == 1
    (line,) = err.splitlines()
    assert line.startswith(f"undertow: another recorder is running for this home (process {first.pid}, lock ")
    assert not (spool(tmp_path) / "okx").exists()
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    third = start("--venue", "gate", "--for", "1s")
    assert third.wait(timeout=30) == 0, "the lock goes with its process"


def test_a_folder_that_cannot_be_written_is_one_line(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    spool(tmp_path).mkdir(parents=True)
    (spool(tmp_path) / "gate").write_text("a file where a folder should be")
    process = start("--venue", "gate")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("undertow: ")
    assert "cannot be written" in err


def test_a_disk_that_takes_no_more_is_one_line_and_nothing_is_torn(
    start: Callable[..., subprocess.Popen[str]], venues: Venues, tmp_path: Path
) -> None:
    message = liquidations(1)[GATE]
    venues.play(GATE, (message,) * 40)
    # As good as a full disk: a file of this process may have so many bytes and no more.
    process = start("--venue", "gate", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("undertow: ")
    assert "cannot be written: File too large" in err
    (part,) = (spool(tmp_path) / GATE).glob("*.part")
    content = part.read_bytes()
    assert content.endswith(b"\n")
    count = content.count(b'"frame"')
    assert 0 < count < 40
    venues.play(GATE, ())
    again = start("--venue", "gate", "--for", "1s")
    assert again.wait(timeout=30) == 0
    assert frames(tmp_path) == [message] * count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--venue", "bybt"], "did you mean bybit?"),
        (["--venue", "nasdaq"], "choose of binance, bitfinex"),
        (["--for", "soon"], "write it as 90s, 10m or 8h"),
        (["--for", "0m"], "write it as 90s, 10m or 8h"),
        (["--market", "simulated"], "nothing to listen to"),
        (["--market", "recorded:somewhere"], "use --market live"),
    ],
)
def test_used_wrongly(undertow: Undertow, arguments: list[str], said: str) -> None:
    answer = undertow("record", "--market", "live", *arguments)
    assert answer.code == 2
    assert said in answer.error_line


def test_a_rehearsal_never_leaves_this_machine(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_RECORDER_URL", "ws://example.com:80")
    answer = undertow("record", "--market", "live")
    assert answer.code == 2
    assert "UNDERTOW_RECORDER_URL" in answer.error_line


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("1.5m", 90.0), ("8h", 28_800.0), ("1d", 86_400.0)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds
    with pytest.raises(Mistake):
        _seconds(text[:-1])
