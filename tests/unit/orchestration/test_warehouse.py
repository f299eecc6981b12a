"""The warehouse file in bad company: other writers, other markets, damage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from orchestration.progress import Observer
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse, WarehouseBusy, WarehouseError, merged
from sources.dataset import Column, Window
from sources.market import Market
from tests.unit.orchestration.tiny_market import PRICES, Acme, ask, at

ROOT = Path(__file__).resolve().parents[3]
HOLD_LOCK = """
import sys, time
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
with Warehouse(Settings.load()).writer("a long backfill"):
    print("held", flush=True)
    time.sleep(60)
"""
HOLD_FILE = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""
FILL_DISK = """
import resource, signal, sys
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse, WarehouseError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
warehouse = Warehouse(Settings.load())
resource.setrlimit(resource.RLIMIT_FSIZE, (warehouse.path.stat().st_size, resource.RLIM_INFINITY))
try:
    with warehouse.connect("testing") as connection:
        connection.execute("create table raw.big as select range as i, random() as v from range(5_000_000)")
except WarehouseError as error:
    print(str(error), end="")
"""


@contextmanager
def other_process(code: str, settings: Settings, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has said `held`; ended on leaving."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "held"
        yield process
    finally:
        process.kill()
        process.wait()


class Listener(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def waiting(self, reason: str) -> None:
        self.heard.append(reason)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    loaded = Settings.load(home=tmp_path, lock_timeout_seconds=1.5)
    with Acme(now=at("2024-01-10 09:00")).workspace(tmp_path):
        pass
    return loaded


def test_a_writer_that_waits_in_vain_names_the_other(settings: Settings) -> None:
    listener = Listener()
    with other_process(HOLD_LOCK, settings) as other:
        with pytest.raises(WarehouseBusy) as caught, Warehouse(settings, listener).connect("testing"):
            raise AssertionError("the lock is held")
        assert f"process {other.pid}, since 20" in str(caught.value)
        assert "a long backfill" in str(caught.value)
        assert len(listener.heard) == 1
        assert str(other.pid) in listener.heard[0]


def test_the_lock_of_a_killed_writer_is_free(settings: Settings) -> None:
    with other_process(HOLD_LOCK, settings) as other:
        other.kill()
        other.wait()
        with Warehouse(settings).connect("testing") as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_waiting_writer_goes_on_when_the_other_is_done(settings: Settings) -> None:
    patient = settings.model_copy(update={"lock_timeout_seconds": 30.0})
    with other_process(HOLD_LOCK.replace("sleep(60)", "sleep(1.5)"), settings):
        started = time.monotonic()
        with Warehouse(patient).connect("testing"):
            assert time.monotonic() - started > 0.5


def test_a_program_that_does_not_take_the_lock_is_reported(settings: Settings) -> None:
    with (
        other_process(HOLD_FILE, settings, settings.warehouse_path),
        pytest.raises(WarehouseError, match="close the program that has it open") as caught,
        Warehouse(settings).connect("testing"),
    ):
        raise AssertionError("the file is open elsewhere")
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_reported(settings: Settings) -> None:
    settings.warehouse_path.write_bytes(b"this is no database" * 1000)
    with (
        pytest.raises(WarehouseError, match="move it away and run `undertow refresh`") as caught,
        Warehouse(settings).connect("testing"),
    ):
        raise AssertionError("the file is damaged")
    assert str(settings.warehouse_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_reported(settings: Settings) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FILL_DISK],
        cwd=ROOT,
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the disk is full" in ended.stdout
    assert "\n" not in ended.stdout
    with Warehouse(settings).connect("testing") as connection:
        assert connection.execute("select count(*) from duckdb_tables() where table_name = 'big'").fetchone() == (0,)


def test_the_lock_is_re_entrant(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    with warehouse.writer("outer"):
        with warehouse.connect("inner"):
            pass
        holder = warehouse.holder()
        assert holder is not None
        assert holder["purpose"] == "outer"
    assert warehouse.holder() is None


def test_two_recordings_do_not_share_a_home(tmp_path: Path) -> None:
    warehouse = Warehouse(Settings.load(home=tmp_path))
    now = at("2024-01-10 09:00")

    def recording(title: str) -> Market:
        return Market("recorded", title, False, lambda: now, lambda: (_ for _ in ()).throw(AssertionError))

    warehouse.prepare(recording("recorded responses from a"), [PRICES])
    warehouse.prepare(recording("recorded responses from a"), [PRICES])
    with pytest.raises(WarehouseError, match="use another UNDERTOW_HOME"):
        warehouse.prepare(recording("recorded responses from b"), [PRICES])


def test_a_column_with_another_type_is_refused(tmp_path: Path) -> None:
    acme = Acme(now=at("2024-01-10 09:00"))
    other = replace(PRICES, columns=(*PRICES.columns[:2], Column("price_usd", pl.Int64, "Price.")))
    with acme.workspace(tmp_path) as workspace:
        with pytest.raises(WarehouseError, match=r"raw\.acme__prices\.price_usd is DOUBLE, declared BIGINT"):
            workspace.warehouse.prepare(workspace.market, [other])
        assert ask(workspace, "select count(*) from ops.datasets") == [(1,)]


def test_every_connection_is_in_utc(settings: Settings) -> None:
    with Warehouse(settings).connect("testing") as connection:
        assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        year = "select year(timestamptz '2023-12-31 23:30:00-01')"
        assert connection.execute(year).fetchone() == (2024,)


def test_ops_describes_the_datasets(settings: Settings, tmp_path: Path) -> None:
    with Acme(now=at("2024-01-11 09:00")).workspace(tmp_path) as workspace:
        assert ask(workspace, "select market, is_simulated, now_at from ops.market") == [
            ("live", False, at("2024-01-11 09:00"))
        ]
        assert ask(workspace, "select table_name, frequency, lag_seconds, needs_key from ops.datasets") == [
            ("acme__prices", "daily", 28800, None)
        ]


def test_windows_that_touch_are_one() -> None:
    day = [at(f"2024-01-0{number}") for number in range(1, 8)]
    windows = [Window(day[3], day[4]), Window(day[0], day[1]), Window(day[1], day[2]), Window(day[0], day[1])]
    assert merged(windows) == (Window(day[0], day[2]), Window(day[3], day[4]))


def test_an_interrupt_inside_a_query_stays_an_interrupt(tmp_path: Path) -> None:
    """DuckDB reports it as an error of the query; a run that took it for one would go on and then hang."""
    warehouse = Warehouse(Settings.load(home=tmp_path, market="simulated"))
    # A shell that starts the suite in the background has it ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), warehouse.connect("counting to a large number") as connection:
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            connection.execute("select sum(one.i * two.i) from range(200000) as one(i), range(200000) as two(i)")
    finally:
        signal.signal(signal.SIGINT, before)
    with warehouse.connect("looking whether it is free") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
