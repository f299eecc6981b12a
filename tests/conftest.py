"""Marks every test by the folder it lies in, and keeps the developer's own settings out of all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_FOLDERS = ("unit", "dbt", "integration", "live", "bench")
_OPT_IN = ("live", "bench")
# Files of tests/integration that take minutes each, because they refresh and build again and again: `make soak`.
_SOAK = ("test_refresh", "test_looking_back", "test_every_provider")
# Files that share what takes long to build stay with one worker; every other file is a group of its own.
_SHARED_BUILDS = {
    "tests/dbt/": "the noise",
    "tests/integration/test_command": "a small home",
    "tests/integration/test_definitions": "a small home",
    "tests/integration/test_looking_back": "a small home",
    "tests/integration/test_refresh": "a small home",
}


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
        if folder == "integration" and item.path.stem in _SOAK:
            item.add_marker(pytest.mark.soak)
        if item.get_closest_marker("soak") and "soak" not in chosen:
            item.add_marker(pytest.mark.skip(reason="takes minutes: run `make soak`"))


class ByBuild(LoadScopeScheduling):
    """Gives each worker whole groups of tests, so that what a group builds is built once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for start, group in _SHARED_BUILDS.items() if file.startswith(start)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByBuild:
    return ByBuild(config, log)
