"""`undertow dev`: Dagster's own pages, on this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from orchestration.cli.mistakes import Failure

if TYPE_CHECKING:
    from orchestration.settings import Settings

HOST = "127.0.0.1"
_POLITE_SECONDS = 15.0
"""How long Dagster may take to end by itself."""


def serve(settings: Settings, port: int) -> int:
    """Run `dagster dev` until it ends or somebody ends this process; return its exit code.

    Dagster starts a web server, a daemon and code servers, and does not always take them along when it is told to stop.
    All of them are in one process group of their own, which is ended as a whole.

    Raises:
        Failure: the port is taken.
    """
    from orchestration.automation import prepare_dagster_home

    _check_port(port)
    prepare_dagster_home(settings)
    command = [
        *(sys.executable, "-m", "dagster", "dev"),
        *("-m", "orchestration.definitions", "-d", str(Path(__file__).resolve().parents[2])),
        *("-h", HOST, "-p", str(port)),
    ]
    environment = {**os.environ, **settings.environment(), "DAGSTER_HOME": str(settings.dagster_home)}

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT as well: what Dagster puts in the place of Python's own handler does not end a wait.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    print(f"http://{HOST}:{port} (market: {settings.market}; Ctrl-C ends it)", flush=True)
    process = subprocess.Popen(command, env=environment, cwd=settings.dagster_home, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C must not leave servers behind.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        _end_group(process)
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Failure(f"port {port} cannot be used ({error.strerror}); choose another with --port") from None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End every process of the group: politely, then firmly."""
    if os.name == "nt":
        process.terminate()
        process.wait()
        return
    for request, seconds in ((signal.SIGINT, _POLITE_SECONDS), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, request)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _group_lives(process):
            time.sleep(0.05)
    process.wait()


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()  # Collects the child, which would otherwise stay in the group as a zombie.
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
