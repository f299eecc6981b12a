"""Readers and publishers in different processes, at the same time, and one of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.published import Published
from orchestration.publishing.snapshot import publish_file
from tests import small_warehouse
from tests.small_warehouse import LAST_DAY, NOW

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
# Both come from one build of the warehouse, so a reader that sees them differ has seen half a publish.
BOTH_SIDES = f"""
select
    (select value from marts.stress_indicators_daily where indicator = 'vix' and date = '{LAST_DAY}'),
    (select max(landed_at) from meta.landing_runs)
"""
PUBLISHER = """
import sys
from datetime import timedelta
from pathlib import Path
from orchestration.publishing.published import Published
from orchestration.publishing.snapshot import publish_file
from tests import small_warehouse
from tests.small_warehouse import NOW

home = Path(sys.argv[1])
for step in range(int(sys.argv[2]), int(sys.argv[3])):
    small_warehouse.build(home / "warehouse.duckdb", restated=float(step), landed_at=NOW + timedelta(hours=step))
    publish_file(home / "warehouse.duckdb", Published(home / "published"), now=NOW, is_simulated=True, keep=3)
    print(step, flush=True)
"""
READER = """
import sys, duckdb
seen = set()
while True:
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        value, landed_at = connection.execute(sys.argv[2]).fetchall()[0]
        seen.add((round(value, 6), landed_at.hour))
        print(round(value, 6), landed_at.hour, flush=True)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def publish(home: Path, restated: float) -> Published:
    published = Published(home / "published")
    small_warehouse.build(home / "warehouse.duckdb", restated=restated)
    publish_file(home / "warehouse.duckdb", published, now=NOW, is_simulated=True, keep=3)
    return published


def vix(connection: duckdb.DuckDBPyConnection) -> float:
    return float(connection.execute(BOTH_SIDES).fetchall()[0][0])


def test_an_open_reader_goes_on_and_the_next_connection_of_its_process_sees_the_new_version(tmp_path: Path) -> None:
    published = publish(tmp_path, restated=0.0)
    holding = duckdb.connect(published.database, read_only=True)
    before = vix(holding)
    publish(tmp_path, restated=10.0)
    with duckdb.connect(published.database, read_only=True) as fresh:
        assert fresh.execute("select current_database()").fetchall() == [("undertow",)]
        assert vix(fresh) == pytest.approx(before + 10)
        assert vix(holding) == before
    holding.close()


def test_a_process_that_attached_the_file_sees_the_new_version_when_it_attaches_again(tmp_path: Path) -> None:
    published = publish(tmp_path, restated=0.0)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published.database}' as undertow (read_only)")
        connection.execute("use undertow")
        before = vix(connection)
        publish(tmp_path, restated=10.0)
        assert vix(connection) == before
        connection.execute(f"attach '{published.database}' as newer (read_only)")
        connection.execute("use newer")
        assert vix(connection) == pytest.approx(before + 10)


def test_readers_in_another_process_never_see_anything_but_whole_versions(tmp_path: Path) -> None:
    published = publish(tmp_path, restated=0.0)
    with duckdb.connect(published.database, read_only=True) as connection:
        base = vix(connection)
    reader = start(READER, published.database, BOTH_SIDES)
    publisher = start(PUBLISHER, tmp_path, 1, 9)
    out, err = publisher.communicate(timeout=120)
    assert publisher.returncode == 0, err
    assert out.split() == [str(step) for step in range(1, 9)]
    assert reader.poll() is None, reader.communicate()
    time.sleep(0.2)
    reader.send_signal(signal.SIGKILL)
    lines, errors = reader.communicate(timeout=30)
    assert errors == ""
    whole = [line.split() for line in lines.splitlines()[:-1]]
    start_hour = NOW.hour
    steps = [int(hour) - start_hour for _, hour in whole]
    assert [round(base + step, 6) for step in steps] == [float(value) for value, _ in whole]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3, "the reader was not there while versions came"


@pytest.mark.parametrize("delay_ms", [0, 15, 40, 80, 120, 200])
def test_a_publish_killed_at_any_instant_leaves_a_whole_version(tmp_path: Path, delay_ms: int) -> None:
    published = publish(tmp_path, restated=0.0)
    with duckdb.connect(published.database, read_only=True) as connection:
        base = vix(connection)
    publisher = start(PUBLISHER, tmp_path, 1, 1000)
    assert publisher.stdout is not None
    assert publisher.stdout.readline() == "1\n"
    time.sleep(delay_ms / 1000)
    publisher.send_signal(signal.SIGKILL)
    publisher.communicate(timeout=30)

    with duckdb.connect(published.database, read_only=True) as connection:
        value, landed_at = connection.execute("set TimeZone = 'UTC'").execute(BOTH_SIDES).fetchall()[0]
        step = int((landed_at - NOW).total_seconds() // 3600)
        assert step >= 1
        assert value == pytest.approx(base + step)
        assert connection.execute(f"select count(*) from why('{LAST_DAY}')").fetchall() == [(12,)]

    publish(tmp_path, restated=500.0)
    with duckdb.connect(published.database, read_only=True) as connection:
        assert vix(connection) == pytest.approx(base + 500)
    left = [path.name for path in published.root.rglob("*.part")]
    assert left == []
    assert len(published.versions()) <= 3


def test_two_publishers_take_turns(tmp_path: Path) -> None:
    home = tmp_path / "home"
    small_warehouse.build(home / "simulated" / "warehouse.duckdb")
    code = """
from orchestration.settings import Settings
from orchestration.publishing.snapshot import publish
print(publish(Settings.load()).version)
"""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "UNDERTOW_HOME": str(home),
        "UNDERTOW_MARKET": "simulated",
    }
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=120) for process in publishers]
    assert [process.returncode for process in publishers] == [0, 0, 0], [err for _, err in answers]
    assert len({out for out, _ in answers}) == 1
    assert len(Published(home / "simulated" / "published").versions()) == 1
