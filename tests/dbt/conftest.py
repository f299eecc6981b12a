"""The dbt project on a real DuckDB file, built once per session on noise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings
from tests.dbt import random_market

ROOT = Path(__file__).resolve().parents[2]


def dbt(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt as a person would, on the warehouse of `settings`."""
    project = str(settings.dbt_project_path)
    where: Sequence[str] = ("--project-dir", project, "--profiles-dir", project)
    target = ("--target-path", str(settings.target_path), "--log-path", str(settings.target_path))
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--no-version-check", *arguments, *where, *target],
        env=os.environ
        | {
            "UNDERTOW_WAREHOUSE": str(settings.warehouse_path),
            "UNDERTOW_MEMORY_LIMIT": "2GB",
            # Enough resamples to run every line of the scorecards, too few to mean anything.
            "UNDERTOW_SCORECARD_REPLICATES": "20",
            "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "dbt_project" / "python")),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a market home whose warehouse is filled with noise and built, every data test passed."""
    settings = Settings.load(home=tmp_path_factory.mktemp("noise"), market="simulated")
    random_market.fill(settings)
    built = dbt(settings, "build", "--exclude-resource-type", "unit_test")
    assert built.returncode == 0, built.stdout[-5000:]
    return settings


@pytest.fixture
def warehouse(noise: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the built warehouse."""
    with duckdb.connect(str(noise.warehouse_path), read_only=True) as connection:
        connection.sql("set TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def compiled(noise: Settings) -> Path:
    """Folder of the models as SQL that runs without dbt."""
    return noise.target_path / "compiled" / "undertow" / "models"
