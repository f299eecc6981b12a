"""Mistakes are one line and an exit code; bugs leave a traceback in a file."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.cli import mistakes
from orchestration.cli.mistakes import EXPECTED, Mistake, parse_day, parse_days, pick
from sources.errors import Blocked
from sources.registry import DATASETS
from tests.unit.cli.conftest import Undertow

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_expected_error_exists_under_its_name(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error = getattr(importlib.import_module(module), kind)
    assert issubclass(error, Exception)
    assert f"{error.__module__}.{error.__qualname__}" == name


def test_a_subclass_of_an_expected_error_is_expected() -> None:
    assert mistakes.exit_code_of(Blocked("no")) == 1
    assert mistakes.exit_code_of(FileNotFoundError(2, "No such file")) == 1


def test_a_bug_is_not_expected() -> None:
    assert mistakes.exit_code_of(KeyError("x")) is None
    assert mistakes.exit_code_of(RuntimeError("x")) is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("frobnicate",), 2, "No such command 'frobnicate'"),
        (("status", "--frob"), 2, "No such option: --frob"),
        (("refresh", "--since", "last week"), 2, "'last week' is not a day; write it as 2025-11-04"),
        (("refresh", "--only", "farside.etf_flow"), 2, "did you mean farside.etf_flows"),
        (("refresh", "--only", "zzz"), 2, "unknown dataset 'zzz': `undertow sources` lists them"),
        (("refresh", "--only"), 2, "requires an argument"),
        (("backfill", "farside.etf_flows"), 2, "Missing argument"),
        (("backfill", "farside.etf_flows", "2025-10-31..2025-10-01"), 2, "ends before it begins"),
        (("backfill", "farside.etf_flows", "..2025-10-01"), 2, "is not a span of days"),
        (("backfill", "nope.nothing", "2025-10-01"), 2, "unknown dataset 'nope.nothing'"),
        (("backfill", "fred", "2025-10-01..2025-10-02"), 2, "backfill one at a time: fred.daily_series"),
        (("status", "--market", "moon"), 2, "UNDERTOW_MARKET=moon: use live, simulated or recorded:DIR"),
        (("--market", "moon", "status"), 2, "use live, simulated or recorded:DIR"),
        (("status", "--market", "recorded:/nowhere/at/all"), 2, "/nowhere/at/all"),
        (("dev", "--port", "0"), 2, "Invalid value for '--port'"),
        (("generate", "/nowhere/at/all"), 2, "/nowhere/at/all"),
    ],
)
def test_misuse_is_one_line(undertow: Undertow, arguments: tuple[str, ...], code: int, said: str) -> None:
    answer = undertow(*arguments)
    assert answer.code == code
    assert said in answer.error_line
    assert answer.out == ""


def test_an_option_after_the_command_wins_over_one_before_and_both_over_the_environment(
    undertow: Undertow, home: Path, tmp_path: Path
) -> None:
    elsewhere, there = tmp_path / "elsewhere", tmp_path / "there"
    assert f"in {home} yet" in undertow("why").error_line
    assert f"in {elsewhere} yet" in undertow("--home", elsewhere, "why").error_line
    assert f"in {there} yet" in undertow("--home", elsewhere, "why", "--home", there).error_line
    assert "the live market" in undertow("--market", "live", "why").error_line


def test_a_bad_setting_in_the_environment_is_one_line(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_THREADS", "many")
    answer = undertow("status")
    assert answer.code == 2
    assert answer.error_line.startswith("UNDERTOW_THREADS=many: ")


def test_generate_refuses_what_is_no_checkout(undertow: Undertow, tmp_path: Path) -> None:
    answer = undertow("generate", tmp_path)
    assert answer.code == 2
    assert "no checkout of Undertow" in answer.error_line


def test_a_home_that_cannot_be_written_is_one_line(undertow: Undertow, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    answer = undertow("refresh", "--home", in_the_way)
    assert answer.code == 1
    assert str(in_the_way) in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err


def test_a_bug_leaves_its_traceback_in_the_home(home: Path) -> None:
    code = (
        "import orchestration.cli.status as status\n"
        "def broken(*_, **__): raise KeyError('[red]no such thing')\n"
        "status.show_status = broken\n"
        "from orchestration.cli import main\n"
        "main(['status'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={**os.environ}, check=False
    )
    assert done.returncode == 1
    line = done.stderr.strip()
    assert "\n" not in line
    assert line.startswith("undertow: a bug in Undertow: KeyError: '[red]no such thing'; please report it with ")
    (kept,) = (home / "tracebacks").iterdir()
    assert str(kept) in line
    assert "in broken" in kept.read_text("utf-8")


def test_parse_day_and_span() -> None:
    today = date(2025, 12, 5)
    assert parse_day("2025-11-04") == date(2025, 11, 4)
    assert parse_day("today", today=today) == today
    assert parse_day("yesterday", today=today) == date(2025, 12, 4)
    assert parse_days("2025-10-01..2025-10-31") == (date(2025, 10, 1), date(2025, 10, 31))
    assert parse_days("2025-10-01") == (date(2025, 10, 1), date(2025, 10, 1))
    with pytest.raises(Mistake):
        parse_day("yesterday")


def test_pick_knows_every_way_to_name_a_dataset() -> None:
    assert pick(["farside.etf_flows"], DATASETS) == ["farside__etf_flows"]
    assert pick(["farside__etf_flows", "farside.etf_flows"], DATASETS) == ["farside__etf_flows"]
    fred = [table for table in DATASETS if table.startswith("fred__")]
    assert pick(["fred"], DATASETS) == fred
    assert len(fred) > 1


def test_what_is_quoted_from_outside_stays_on_one_printable_line() -> None:
    assert mistakes.printable("a\n\x1b[31mb\tc\x07") == "a [31mb c"
