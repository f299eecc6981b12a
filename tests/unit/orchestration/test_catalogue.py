"""The generated files are what the registry says, and committed."""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestration.catalogue import DATASETS_MD, SOURCES_YML, generate, sources_yml
from orchestration.warehouse import BOOKKEEPING, OPS_TABLES
from sources.registry import DATASETS

ROOT = Path(__file__).resolve().parents[3]


def test_regenerating_changes_nothing(tmp_path: Path) -> None:
    generate(tmp_path, DATASETS.values())
    for path in (SOURCES_YML, DATASETS_MD):
        committed = (ROOT / path).read_text("utf-8")
        assert committed == (tmp_path / path).read_text("utf-8"), f"{path} is out of date: run `undertow generate`"


def test_generating_twice_reports_no_change(tmp_path: Path) -> None:
    assert generate(tmp_path, DATASETS.values()) == [tmp_path / SOURCES_YML, tmp_path / DATASETS_MD]
    assert generate(tmp_path, DATASETS.values()) == []


def test_every_column_of_every_table_is_described() -> None:
    raw, ops = yaml.safe_load(sources_yml(DATASETS.values()))["sources"]
    assert [table["name"] for table in raw["tables"]] == list(DATASETS)
    assert [table["name"] for table in ops["tables"]] == list(OPS_TABLES)
    for table in raw["tables"]:
        names = [column["name"] for column in table["columns"]]
        assert names == [*DATASETS[table["name"]].schema, *BOOKKEEPING]
        assert table["config"]["meta"]["dagster"]["asset_key"] == ["raw", table["name"]]
    assert all(
        column["description"] for source in (raw, ops) for table in source["tables"] for column in table["columns"]
    )
