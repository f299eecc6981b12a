"""One small simulated home, built once; every test works on a copy of it.

All copies live at the same path, one after the other: dbt reads its project again when the path of the warehouse
changes, and that would cost every test some seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.automation import RefreshResult, run_refresh
from orchestration.landing import open_workspace, refresh_dataset
from orchestration.progress import Observer
from orchestration.settings import Settings
from sources.dataset import at_midnight
from sources.registry import DATASETS
from tests.integration import days

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """A market home that a test may do anything to."""

    path: Path

    def settings(self, now: str = days.NOW, faults: tuple[str, ...] = ()) -> Settings:
        return Settings.load(home=self.path, market="simulated", now=now, faults=faults, memory_limit="2GB", threads=2)

    def refresh(self, now: str = days.NOW, faults: tuple[str, ...] = (), **options: object) -> RefreshResult:
        return run_refresh(self.settings(now, faults), **{"only": days.CORE, **options})  # type: ignore[arg-type]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.settings().warehouse_path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def tables(self, *schemas: str) -> dict[str, pl.DataFrame]:
        """Every table of the schemas, in an order that does not depend on when which row came."""
        with duckdb.connect(str(self.settings().warehouse_path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            names = connection.execute(
                "select schema_name, table_name from duckdb_tables() where list_contains(?, schema_name) order by all",
                [list(schemas)],
            ).fetchall()
            return {
                f"{schema}.{name}": connection.sql(
                    f"select {'* exclude (_run_id)' if schema == 'raw' else '*'} from {schema}.{name} order by all"
                ).pl()
                for schema, name in names
            }

    def start(self, code: str, now: str, *arguments: str, faults: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Python code in a process of its own, with this home in its environment."""
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.settings(now, faults).environment()},
            stdout=subprocess.PIPE,
            text=True,
        )


def assert_same(found: Mapping[str, pl.DataFrame], expected: Mapping[str, pl.DataFrame]) -> None:
    """Fail with the name of the first table that differs."""
    assert list(found) == list(expected)
    for name, frame in expected.items():
        assert found[name].equals(frame), f"{name} differs: {found[name].height} rows, expected {frame.height}"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("market")


@pytest.fixture(scope="session")
def first_build(place: Path) -> Path:
    """A home with some weeks of the simulated autumn, built and published."""
    home = Home(place / "home")
    # These are revised as a whole, so the refresh after the first would ask for all of their history.
    whole = [
        dataset
        for dataset in DATASETS.values()
        if dataset.cadence.revised_for > timedelta(days=45)
        and {dataset.provider.name, f"{dataset.provider.name}.{dataset.name}"} & set(days.CORE)
    ]
    with open_workspace(home.settings(), DATASETS.values(), Observer()) as workspace:
        for dataset in whole:
            refresh_dataset(workspace, dataset, "first")
    result = home.refresh(since=at_midnight(days.SINCE))
    assert result.is_success, [*(report.error for report in result.datasets), *result.build.problems]
    assert result.publication is not None
    home.path.rename(place / "first")
    return place / "first"


@pytest.fixture(scope="session")
def copy_of(place: Path) -> Callable[[Path], Home]:
    def copy(built: Path) -> Home:
        shutil.rmtree(place / "home", ignore_errors=True)
        shutil.copytree(built, place / "home", symlinks=True)
        return Home(place / "home")

    return copy


@pytest.fixture
def home(first_build: Path, copy_of: Callable[[Path], Home]) -> Home:
    return copy_of(first_build)


@pytest.fixture(scope="session")
def next_day(first_build: Path, copy_of: Callable[[Path], Home]) -> dict[str, pl.DataFrame]:
    """Raw tables and marts of the same home a day later, when nothing has gone wrong."""
    home = copy_of(first_build)
    result = home.refresh(days.NEXT)
    assert result.is_success
    assert result.build.status == "built"
    assert result.publication is not None
    return home.tables("raw", "marts")
