"""The command at work on a real, small home: exit codes, summaries, interruption, and Dagster's pages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.integration import days
from tests.integration.conftest import ROOT, Home

COMMAND = (sys.executable, "-W", "ignore", "-m", "orchestration.cli")


def start(home: Home, *arguments: str, now: str = days.NOW, faults: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    if arguments[0] == "refresh":
        arguments = (*arguments, *(word for name in days.CORE for word in ("--only", name)))
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **home.settings(now, faults).environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home: Home, *arguments: str, now: str = days.NOW, faults: tuple[str, ...] = ()) -> tuple[int, str, str]:
    process = start(home, *arguments, now=now, faults=faults)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


@pytest.mark.soak
def test_a_dead_provider_is_said_and_made_up_for_by_the_next_refresh(home: Home) -> None:
    faults = ("dead:farside", "garbage:deribit")
    code, out, err = run(home, "refresh", now=days.NEXT, faults=faults)
    assert code == 1, err
    failed = [line for line in out.splitlines() if line.startswith("failed ")]
    assert [line.split()[1] for line in failed] == ["deribit.dvol:", "farside.etf_flows:"]
    assert "cannot be reached" in failed[1]
    assert "Traceback" not in out + err
    code, out, _ = run(home, "status", "--json", now=days.NEXT, faults=faults)
    assert code == 0
    states = {row["dataset"]: row["state"] for row in json.loads(out)["datasets"]}
    assert {name for name, state in states.items() if state == "failed"} == {"deribit.dvol", "farside.etf_flows"}

    code, out, err = run(home, "refresh", now=days.NEXT)
    assert code == 0, out + err
    _, out, _ = run(home, "status", "--json", now=days.NEXT)
    states = {row["dataset"]: row["state"] for row in json.loads(out)["datasets"]}
    assert states["deribit.dvol"] == states["farside.etf_flows"] == "fresh"


def test_history_that_is_too_short_for_a_print_says_so(home: Home) -> None:
    code, out, _ = run(home, "status", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["index"] is None
    assert "of the 4 pillars that a print needs count: " in said["no_index_reason"]
    assert "too little history to be ranked" in said["no_index_reason"]
    code, out, _ = run(home, "why", "2025-11-04")
    assert code == 0
    assert "2025-11-04: no print, " in out
    assert "too little history to be ranked" in out


@pytest.mark.soak
def test_status_and_queries_answer_while_a_refresh_runs(home: Home) -> None:
    refreshing = start(home, "refresh", "--force", now=days.NEXT)
    seen = set()
    while refreshing.poll() is None:
        code, out, err = run(home, "status", "--json", now=days.NEXT)
        assert code == 0, err
        seen.add(json.loads(out)["under_way"] is not None)
        code, out, err = run(home, "sql", "--csv", "select count(*) from marts.fct_etf_flows")
        assert code == 0, err
        # Whoever asks without a pause takes the machine from the refresh.
        time.sleep(1)
    assert refreshing.wait() == 0, refreshing.communicate()
    assert True in seen


@pytest.mark.parametrize("seconds", [pytest.param(2.5, marks=pytest.mark.soak), 6.0])
def test_an_interrupted_refresh_ends_at_once_and_the_next_one_goes_on(home: Home, seconds: float) -> None:
    refreshing = start(home, "refresh", "--force", now=days.NEXT)
    time.sleep(seconds)
    started = time.monotonic()
    refreshing.send_signal(signal.SIGINT)
    _, err = refreshing.communicate(timeout=20)
    assert time.monotonic() - started < 2
    assert refreshing.returncode == 130
    assert err.splitlines()[-1] == (
        "undertow: interrupted; what was landed is kept, and the next run goes on from there"
    )
    code, out, err = run(home, "refresh", now=days.NEXT)
    assert code == 0, out + err
    assert run(home, "doctor", now=days.NEXT)[0] == 0


def test_a_backfill_lands_its_days_and_says_so(home: Home) -> None:
    code, out, err = run(home, "backfill", "coinmetrics.asset_metrics", "2025-10-01..2025-10-05")
    assert code == 0, err
    assert "1 dataset: 1 unchanged; 0 new rows, 0 restated" in out


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)])
def test_dev_serves_on_this_machine_only_and_leaves_nothing_behind(home: Home, number: signal.Signals) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = start(home, "dev", "--port", str(port))
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline().startswith(f"http://127.0.0.1:{port} ")
        _wait_for(f"http://127.0.0.1:{port}/server_info", serving)
        assert _listening(port) in ([], ["0100007F"]), "listens beyond loopback"
        started = _descendants(serving.pid)
        serving.send_signal(number)
        serving.communicate(timeout=40)
    finally:
        serving.terminate()
        serving.communicate(timeout=40)
    assert serving.returncode == 0
    for process in started:
        assert not Path(f"/proc/{process}").exists(), "a server outlived the command"


def _wait_for(url: str, serving: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert serving.poll() is None, serving.communicate()
            assert time.monotonic() < deadline, "Dagster does not answer"
            time.sleep(0.3)


def _listening(port: int) -> list[str]:
    """Addresses, in hexadecimal, on which something listens at a port; empty where the system does not tell."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            for line in Path(table).read_text().splitlines()[1:]:
                address, number = line.split()[1].split(":")
                if int(number, 16) == port and line.split()[3] == "0A":
                    found.append(address)
    return found


def _descendants(pid: int) -> list[int]:
    """Processes started, directly or not, by a process; empty where the system does not tell."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [pid]
    for parent in found:
        found.extend(child for child, its in parents.items() if its == parent)
    return found[1:]
