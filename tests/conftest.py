"""Marks every test by the folder it lies in, and keeps the developer's own settings out of all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDERS = ("unit", "dbt", "integration", "live", "bench")
_OPT_IN = ("live", "bench")
# What stays with one worker, because it shares what takes long to build: the noise, or a home of some weeks.
_TOGETHER = {"test_command": "a small home", "test_definitions": "a small home", "test_looking_back": "a small home"}


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(("UNDERTOW_", "DAGSTER_", "DBT_"))]:
        # The variables that are about the tests: where recorded responses and the reference implementation lie.
        if name not in ("UNDERTOW_RECORDED", "UNDERTOW_REFERENCE"):
            del os.environ[name]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    chosen = config.option.markexpr
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder not in _FOLDERS:
            continue
        item.add_marker(getattr(pytest.mark, folder))
        file = str(item.path.relative_to(here).with_suffix(""))
        group = folder if folder == "dbt" else _TOGETHER.get(item.path.stem, file)
        item.add_marker(pytest.mark.xdist_group(group.replace("/", ".")))
        if folder in _OPT_IN and folder not in chosen:
            item.add_marker(pytest.mark.skip(reason=f"opt-in: run `pytest -m {folder}`"))
