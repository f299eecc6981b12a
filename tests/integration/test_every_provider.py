"""Every provider fails, each in another documented way; the operator is told, and the next refresh heals it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sources.registry import DATASETS
from sources.simulator.answers import PROVIDERS
from tests.integration.conftest import ROOT

pytestmark = pytest.mark.timeout(900)

NOW = "2025-11-21T01:00:00+00:00"
WAYS = {
    "dead": "cannot be reached",
    "blocked": "refuses",
    "challenge": "browser challenge page",
    "rate_limited": "asks for a pause",
    "truncated": "",
    "broken_off": "broke off",
    "garbage": "",
    "empty": "",
}
"""The ways of failing, and what the error says where it always says the same."""

IDLE = {"sec__holdings_13f", "binance_vision__um_funding_rates"}
"""Published by the quarter and by the month, and not in this window: nobody is asked, so nothing can fail."""

WAY_OF = dict(zip(sorted(PROVIDERS), cycle(WAYS), strict=False))


def undertow(home: Path, *arguments: str, faults: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"UNDERTOW_HOME": str(home), "UNDERTOW_MARKET": "simulated", "UNDERTOW_NOW": NOW}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "UNDERTOW_FAULTS": faults},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


def states(home: Path) -> dict[str, dict[str, Any]]:
    return {row["table"]: row for row in json.loads(undertow(home, "status", "--json").stdout)["datasets"]}


def failed_in_ledger(home: Path) -> set[str]:
    with duckdb.connect(str(home / "simulated" / "published" / "undertow.duckdb"), read_only=True) as published:
        rows = published.sql("select table_name from quality.findings where rule = 'source_failed'").fetchall()
        return {name for (name,) in rows}


def test_all_fail_and_all_heal(home: Path) -> None:
    always = {"rate_limited": ":always"}
    faults = ",".join(f"{way}:{provider}{always.get(way, '')}" for provider, way in WAY_OF.items())
    assert set(WAY_OF.values()) == set(WAYS), "every way is taken by some provider"
    broken = undertow(home, "refresh", "--since", "2025-11-14", faults=faults)
    assert broken.returncode == 1
    assert "Traceback" not in broken.stdout + broken.stderr
    told = {line.split()[1].rstrip(":"): line for line in broken.stdout.splitlines() if line.startswith("failed ")}
    asked = {table: dataset for table, dataset in DATASETS.items() if table not in IDLE}
    for table, dataset in asked.items():
        name = f"{dataset.provider.name}.{dataset.name}"
        assert name in told, f"{table} is not named in the summary"
        assert WAYS[WAY_OF[dataset.provider.name]] in told[name], told[name]
    assert {table for table, row in states(home).items() if row["state"] == "failed"} == set(asked)
    assert failed_in_ledger(home) == set(asked)

    healed = undertow(home, "refresh")
    assert healed.returncode == 0, healed.stdout[-3000:] + healed.stderr[-3000:]
    assert failed_in_ledger(home) == set()
    after = states(home)
    assert {table for table, row in after.items() if row["state"] in ("failed", "never")} == set()
    filled = {table for table, row in after.items() if row["row_count"]}
    assert len(filled) >= 0.8 * len(DATASETS), sorted(set(DATASETS) - filled)
    assert undertow(home, "doctor").returncode == 0
