"""Marks every test by the folder it lies in, and keeps the developer's own settings out of all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDERS = ("unit", "dbt", "integration", "live", "bench")
_OPT_IN = ("live", "bench")


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(("UNDERTOW_", "DAGSTER_", "DBT_"))]:
        # The variables that are about the tests: where recorded responses and the reference implementation lie.
        if name not in ("UNDERTOW_RECORDED", "UNDERTOW_REFERENCE"):
            del os.environ[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    chosen = config.option.markexpr
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder not in _FOLDERS:
            continue
        item.add_marker(getattr(pytest.mark, folder))
        if folder in _OPT_IN and folder not in chosen:
            item.add_marker(pytest.mark.skip(reason=f"opt-in: run `pytest -m {folder}`"))
