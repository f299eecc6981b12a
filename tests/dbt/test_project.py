"""What every model of the project must have, and that its formulas do what their prose says."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from typing import Any

import duckdb
import holidays
import pytest

from orchestration.settings import Settings
from tests.dbt.conftest import dbt

_UNITS = {"usd", "btc", "coin", "native", "base", "quote", "units", "pct", "bp", "ratio", "hours", "count", "index"}
_UNITS |= {"sessions"}
_UNITS |= {"correlation", "z", "beta", "severity"}


@pytest.fixture(scope="module")
def manifest(noise: Settings) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((noise.target_path / "manifest.json").read_text())
    return content


def _models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_unit_tests_pass(noise: Settings) -> None:
    run = dbt(noise, "test", "--select", "test_type:unit")
    assert run.returncode == 0, run.stdout[-5000:]
    passed = re.search(r"PASS=(\d+)", run.stdout)
    assert passed and int(passed[1]) >= 30


def test_every_model_says_what_it_is(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_key"
    }
    for model in _models(manifest):
        name = model["name"]
        assert model["description"], f"{name} has no description"
        assert model["config"]["meta"].get("grain", "").startswith("one row"), f"{name} has no grain"
        assert model["unique_id"] in keyed, f"{name} has no key test"


def test_every_published_model_has_a_contract_and_an_owner(manifest: dict[str, Any]) -> None:
    for model in _models(manifest):
        if model["schema"] not in ("marts", "meta", "quality"):
            continue
        assert model["config"]["meta"].get("owner"), f"{model['name']} has no owner"
        assert model["schema"] == "meta" or model["config"]["contract"]["enforced"], f"{model['name']} has no contract"
        for column in model["columns"].values():
            assert column["description"].endswith("."), f"{model['name']}.{column['name']} is not described"


def test_layers_only_look_down(manifest: dict[str, Any]) -> None:
    allowed = {
        "staging": {"source"},
        "intermediate": {"staging", "intermediate", "marts", "seeds"},
        "marts": {"staging", "intermediate", "marts", "seeds"},
        "meta": {"staging", "source", "meta"},
        "quality": {"staging", "intermediate", "marts", "meta", "quality", "seeds"},
    }
    for model in _models(manifest):
        for parent in model["depends_on"]["nodes"]:
            layer = "source" if parent.startswith("source.") else manifest["nodes"][parent]["schema"]
            assert layer in allowed[model["schema"]], f"{model['name']} reads {parent}"


def test_every_indicator_has_a_model_a_unit_test_and_a_formula(manifest: dict[str, Any], noise: Settings) -> None:
    seeds = noise.dbt_project_path / "seeds"
    register = {}
    indices = (seeds / "stress_register.csv", seeds / "vulnerability_register.csv")
    for path in (*indices, *sorted((seeds / "indicators").glob("*.csv"))):
        with open(path, newline="") as lines:
            for row in csv.DictReader(lines):
                assert row["indicator"] not in register, f"{row['indicator']} is registered twice"
                assert (row.get("status") == "lacks_data") == bool(row.get("reason")), row
                register[row["indicator"]] = row
    register = {name: row for name, row in register.items() if row.get("status") != "lacks_data"}
    models = {model["name"].removeprefix("int_indicator__"): model for model in _models(manifest)}
    tested = {test["model"].removeprefix("int_indicator__") for test in manifest["unit_tests"].values()}
    for indicator, row in register.items():
        assert indicator in models and indicator in tested, indicator
        assert row["formula"] in models[indicator]["description"], f"{indicator}: prose and register differ"
    assert {name for name in models if f"int_indicator__{name}" == models[name]["name"]} == set(register)


def test_every_registered_indicator_speaks(warehouse: duckdb.DuckDBPyConnection) -> None:
    silent = warehouse.sql("""
        select indicator from marts.stress_register
        where indicator not in (select indicator from marts.stress_observations where z is not null)
        union all
        select indicator from marts.vulnerability_register
        where indicator not in (select indicator from marts.vulnerability_observations where z is not null)
        union all
        select indicator from marts.hourly_register
        where indicator not in (select indicator from intermediate.int_hourly_inputs where z is not null)
    """).fetchall()
    assert silent == []


def test_the_nowcast_has_a_unit_test_and_a_formula_for_every_input(manifest: dict[str, Any], noise: Settings) -> None:
    models = {model["name"]: model for model in _models(manifest)}
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    with open(noise.dbt_project_path / "seeds" / "hourly_register.csv", newline="") as lines:
        register = {row["indicator"]: row for row in csv.DictReader(lines)}
    assert {f"int_hourly_input__{name}" for name in register} == {
        n for n in models if n.startswith("int_hourly_input__")
    }
    for name, row in register.items():
        assert f"int_hourly_input__{name}" in tested, name
        assert row["formula"] in models[f"int_hourly_input__{name}"]["description"], (
            f"{name}: prose and register differ"
        )


def test_numbers_carry_their_unit(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Outside the index, whose numbers have none, a number's name ends in what it is counted in, or its row says."""
    loose = warehouse.sql("""
        select table_name, column_name from information_schema.columns
        where table_schema = 'marts' and table_name like 'fct_%' and data_type in ('DOUBLE', 'INTEGER', 'BIGINT')
            and column_name not in ('value', 'change_5_observations', 'depth_skew', 'sign', 'coverage', 'peak_value')
            and not (table_name = 'fct_reconciled_daily' and column_name in ('chosen_value', 'low_value', 'high_value'))
    """).fetchall()
    assert [name for name in loose if name[1].rsplit("_", 1)[-1] not in _UNITS] == []


def test_only_the_dialect_speaks_duckdb(noise: Settings) -> None:
    """Words another engine does not know stand behind one dispatched macro each."""
    foreign = re.compile(
        r"\b(arg_max|list\(|unnest|generate_series|asof|cume_dist|qualify|epoch\(|median\(|struct_pack)"
    )
    for path in sorted((noise.dbt_project_path / "models").rglob("*.sql")):
        assert not foreign.search(path.read_text()), f"{path.name} speaks DuckDB outside macros/dialect"


def test_holidays_are_the_library_s(noise: Settings) -> None:
    with open(noise.dbt_project_path / "seeds" / "nyse_holidays.csv", newline="") as lines:
        seed = {date.fromisoformat(row["holiday_date"]): row["name"] for row in csv.DictReader(lines)}
    years = range(min(seed).year, max(seed).year + 1)
    assert seed == dict(holidays.financial_holidays("NYSE", years=years).items())


def test_building_again_changes_nothing(noise: Settings) -> None:
    """The incremental models find no touched day, and every mart comes out the same, to the last bit."""

    def digest() -> dict[str, tuple[Any, ...]]:
        with duckdb.connect(str(noise.warehouse_path), read_only=True) as connection:
            tables = connection.sql("""
                select table_schema || '.' || table_name from information_schema.tables
                where table_schema in ('intermediate', 'marts') and table_type = 'BASE TABLE'
            """).fetchall()
            return {
                table: connection.sql(f"select count(*), sum(hash(t)::hugeint) from {table} as t").fetchall()[0]
                for (table,) in tables
            }

    before = digest()
    again = dbt(noise, "build", "--select", "config.materialized:incremental", "marts")
    assert again.returncode == 0, again.stdout[-3000:]
    assert digest() == before and len(before) > 40
