"""`sources` knows neither Dagster nor DuckDB nor dbt: it loads where they cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_PROBE = """
import importlib, pkgutil, sys

class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"dagster", "dagster_dbt", "duckdb", "dbt", "orchestration"}:
            raise ImportError(f"{name} is barred here")

sys.meta_path.insert(0, Barred())
import sources
modules = [module.name for module in pkgutil.walk_packages(sources.__path__, "sources.")]
for name in modules:
    importlib.import_module(name)
print(len(modules))
"""


def test_every_module_loads_without_the_orchestration_stack() -> None:
    done = subprocess.run([sys.executable, "-c", _PROBE], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 15
