"""The command as a process: start-up, help, pipes, signals, servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from orchestration.cli.app import app
from orchestration.publishing.published import Published
from tests.unit.cli.conftest import Undertow

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "orchestration.cli")
HEAVY = ("dagster", "dbt", "polars", "numpy", "httpx")


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*COMMAND, *arguments], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, timeout=120, **options
    )


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sql", "select 1"], ["why"], ["refresh", "--help"]])
def test_starts_without_loading_what_it_does_not_need(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from orchestration.cli import main\n"
        f"code = main({arguments!r})\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print('loaded:', *loaded, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "loaded:\n"


def test_help_names_every_command_and_shows_examples(undertow: Undertow) -> None:
    answer = undertow("--help")
    assert answer.code == 0
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    wanted = (
        "demo refresh backfill record scorecard status why sql as-of prove rebuild alerts sources doctor dev generate"
    )
    assert names == set(wanted.split())
    for name in names:
        assert f" {name} " in answer.out
    assert "undertow --market simulated why 2025-11-04" in answer.out


def test_no_command_shows_the_help(undertow: Undertow) -> None:
    answer = undertow()
    assert answer.code == 0
    assert "Usage: undertow" in answer.out


@pytest.mark.parametrize("name", ["refresh", "backfill", "record", "status", "why", "sql"])
def test_help_of_a_command_has_an_example(undertow: Undertow, name: str) -> None:
    answer = undertow(name, "--help")
    assert answer.code == 0
    assert "Example" in answer.out
    assert f"undertow {name}" in answer.out or f"undertow --market simulated {name}" in answer.out


def test_the_installed_script_is_this_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"]["undertow"] == "orchestration.cli:main"


@pytest.mark.usefixtures("published")
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [*COMMAND, "sql", "--csv", "from range(1000000)"],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.usefixtures("published")
def test_an_interrupted_query_is_one_line() -> None:
    with subprocess.Popen(
        [*COMMAND, "sql", "select count(*) from range(1000000) a, range(1000000) b"],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err == "undertow: interrupted\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_work_ends_at_once_even_in_the_middle_of_a_query(number: signal.Signals, code: int) -> None:
    # What a step of a run does: its own signal handlers, and DuckDB at work.
    script = (
        "import signal\n"
        "from orchestration.cli.interrupts import ending_at_once\n"
        "with ending_at_once():\n"
        "    import duckdb\n"
        "    signal.signal(signal.SIGINT, lambda *_: None)\n"
        "    print('at work', flush=True)\n"
        "    duckdb.sql('select count(*) from range(1000000) a, range(1000000) b').fetchall()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        time.sleep(0.3)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert err == "undertow: interrupted; what was landed is kept, and the next run goes on from there\n"


def test_signals_work_as_before_when_the_work_is_done() -> None:
    script = (
        "import os, signal\n"
        # A shell that starts the suite in the background has it ignore interrupts.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from orchestration.cli.interrupts import ending_at_once\n"
        "with ending_at_once():\n"
        "    pass\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt:\n"
        "    print('as before')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "as before\n")


def test_dev_refuses_a_port_that_is_taken(undertow: Undertow) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = undertow("dev", "--port", port)
    assert answer.code == 1
    assert f"port {port} cannot be used" in answer.error_line
    assert "--port" in answer.error_line


def test_published_database_can_be_read_while_the_shell_is_open(published: Published) -> None:
    with subprocess.Popen(
        [*COMMAND, "sql"],
        cwd=ROOT,
        env={**os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("select 42 as answer;\n")
        shell.stdin.flush()
        assert shell.stdout.readline().strip() == "answer"
        with published.connect() as connection:
            assert connection.execute("select count(*) from meta.about").fetchall() == [(1,)]
        shell.stdin.close()
        assert shell.wait(timeout=20) == 0
