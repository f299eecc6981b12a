"""The generated files are what the registry says, and committed."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from orchestration.catalogue import DATASETS_MD, SOURCES_YML, generate, generated, sources_yml, staging_path
from orchestration.warehouse import BOOKKEEPING, OPS_TABLES
from sources.registry import DATASETS

ROOT = Path(__file__).resolve().parents[3]


def test_regenerating_changes_nothing() -> None:
    for path, text in generated(DATASETS.values()).items():
        assert (ROOT / path).read_text("utf-8") == text, f"{path} is out of date: run `undertow generate`"


def test_every_dataset_has_a_staging_model_of_its_name() -> None:
    for dataset in DATASETS.values():
        text = (ROOT / staging_path(dataset)).read_text("utf-8")
        assert f'source("raw", "{dataset.table}")' in text
        assert all(re.search(rf"\b{name}\b", text) for name in dataset.schema), dataset.table


def test_a_staging_model_that_is_there_is_left_alone(tmp_path: Path) -> None:
    dataset = DATASETS["fred__daily_series"]
    generate(tmp_path, [dataset])
    path = tmp_path / staging_path(dataset)
    assert "observed_on as date," in path.read_text("utf-8")
    path.write_text("select 1")
    assert generate(tmp_path, [dataset]) == []
    assert path.read_text("utf-8") == "select 1"


def test_generating_twice_reports_no_change(tmp_path: Path) -> None:
    assert {tmp_path / SOURCES_YML, tmp_path / DATASETS_MD} < set(generate(tmp_path, DATASETS.values()))
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
