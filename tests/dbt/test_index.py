"""The SQL of the index against a second computation of it, on noise with holes, day by day."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.dbt import oracle

PILLARS = ["flows", "derivatives", "liquidity", "price_volatility", "onchain_defi", "macro"]
CLOSE = 1e-9


@pytest.fixture(scope="module")
def expected(noise: object) -> oracle.Oracle:
    path = str(noise.warehouse_path)  # type: ignore[attr-defined]
    with duckdb.connect(path, read_only=True) as connection:
        observations = connection.sql("from marts.stress_observations").pl()
        register = connection.sql("from marts.stress_register").pl()
    return oracle.compute(observations, register, PILLARS)


def _table(warehouse: duckdb.DuckDBPyConnection, query: str) -> dict[tuple[object, ...], float]:
    return {tuple(row[:-1]): row[-1] for row in warehouse.sql(query).fetchall()}


def _same(actual: dict[tuple[object, ...], float], expected: dict[tuple[object, ...], float]) -> None:
    assert actual.keys() == expected.keys()
    worst = max(expected, key=lambda key: abs(actual[key] - expected[key]))
    assert abs(actual[worst] - expected[worst]) < CLOSE, worst


def test_noise_has_what_makes_the_maths_hard(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Without holes, entries and exits the comparisons below would prove little."""
    (prints, degraded, carried, stale) = warehouse.sql("""
        select
            (select count(*) from marts.stress_index_daily),
            (select count(*) from marts.stress_index_daily where status = 'degraded'),
            (select count(*) from marts.stress_indicators_daily where is_carried),
            (select count(*) from marts.stress_indicators_daily where not is_fresh)
    """).fetchall()[0]
    assert prints > 1200 and degraded > 5 and carried > 1000 and stale > 50
    terms = warehouse.sql("select distinct term, pillar_i <> '' from marts.stress_changes_daily").fetchall()
    assert {("composition", True), ("composition", False), ("level", True), ("correlation", True)} == set(terms)
    (dropped,) = warehouse.sql("select max(window_count) from marts.stress_observations").fetchall()[0]
    assert dropped <= 1461


def test_ranks(warehouse: duckdb.DuckDBPyConnection, expected: oracle.Oracle) -> None:
    rows = warehouse.sql("select indicator, observed_date, z, z_mid from marts.stress_observations").fetchall()
    assert len(rows) == len(expected.ranks)
    for indicator, observed, z, z_mid in rows:
        level, mid = expected.ranks[indicator, observed]
        assert (z is None) == math.isnan(level) and (z_mid is None) == math.isnan(mid)
        assert z is None or (abs(z - level) < CLOSE and abs(z_mid - mid) < CLOSE), (indicator, observed)


def test_index(warehouse: duckdb.DuckDBPyConnection, expected: oracle.Oracle) -> None:
    rows = warehouse.sql(
        "select date, cmsi, linear_bound, coverage, status from marts.stress_index_daily order by date"
    ).fetchall()
    assert [row[0] for row in rows] == sorted(expected.index)
    for day, cmsi, bound, coverage, status in rows:
        want = expected.index[day]
        assert abs(cmsi - float(want["cmsi"])) < CLOSE and abs(bound - float(want["linear_bound"])) < CLOSE, day
        assert abs(coverage - float(want["coverage"])) < CLOSE and status == want["status"], day


def test_correlations(warehouse: duckdb.DuckDBPyConnection, expected: oracle.Oracle) -> None:
    rows = warehouse.sql("from marts.stress_correlations_daily").fetchall()
    position = {pillar: number for number, pillar in enumerate(PILLARS)}
    for day, one, two, rho in rows:
        assert abs(rho - expected.correlations[day][position[one], position[two]]) < CLOSE, (day, one, two)
    smallest = min(np.linalg.eigvalsh(matrix).min() for matrix in expected.correlations.values())
    assert smallest > -1e-12, "a correlation matrix must stay positive semi-definite"


def test_contributions(warehouse: duckdb.DuckDBPyConnection, expected: oracle.Oracle) -> None:
    _same(
        _table(warehouse, "select date, pillar, points from marts.stress_contributions_daily"),
        {key: float(points) for key, points in expected.contributions.items()},
    )
    _same(
        _table(warehouse, "select date, indicator, points from marts.stress_indicator_contributions_daily"),
        {key: float(points) for key, points in expected.indicator_contributions.items()},
    )


def test_changes(warehouse: duckdb.DuckDBPyConnection, expected: oracle.Oracle) -> None:
    """Also: whatever entering and leaving inputs do is in a composition term, never in a level term."""
    _same(
        _table(warehouse, "select date, term, pillar_i, pillar_j, points from marts.stress_changes_daily"),
        {key: float(points) for key, points in expected.changes.items()},
    )


def test_a_vanished_input_is_named_wherever_it_lowers_the_index(warehouse: duckdb.DuckDBPyConnection) -> None:
    """On each day an input stops being fresh while its pillar goes on, the pillar has a composition term."""
    silent = warehouse.sql("""
        with panel as (
            select *, lag(is_fresh) over (partition by indicator order by date) as was_fresh
            from marts.stress_indicators_daily
        )
        select panel.date, panel.indicator
        from panel
        inner join marts.stress_contributions_daily as today using (date, pillar)
        inner join marts.stress_contributions_daily as before
            on before.date = panel.date - 1 and before.pillar = panel.pillar
        left join marts.stress_changes_daily as changes
            on changes.date = panel.date and changes.term = 'composition' and changes.pillar_i = panel.pillar
        where panel.was_fresh and not panel.is_fresh and changes.points is null
    """).fetchall()
    assert silent == []


def test_adds_up(warehouse: duckdb.DuckDBPyConnection) -> None:
    (print_gap, input_gap, change_gap, changes) = warehouse.sql("""
        with pillars as (select date, sum(points) as points from marts.stress_contributions_daily group by date),
        inputs as (select date, sum(points) as points from marts.stress_indicator_contributions_daily group by date),
        terms as (select date, sum(points) as points from marts.stress_changes_daily group by date),
        moves as (
            select today.date, today.cmsi - before.cmsi as points
            from marts.stress_index_daily as today
            inner join marts.stress_index_daily as before on before.date = today.date - 1
        )
        select
            (select max(abs(cmsi - points)) from marts.stress_index_daily inner join pillars using (date)),
            (select max(abs(cmsi - points)) from marts.stress_index_daily inner join inputs using (date)),
            (select max(abs(moves.points - terms.points)) from moves inner join terms using (date)),
            (select count(*) from moves)
    """).fetchall()[0]
    assert print_gap < CLOSE and input_gap < CLOSE and change_gap < CLOSE and changes > 1000


GOLDEN = [
    ((0.9, 0.8, 0.7, 0.95, 0.6, 0.5), 0.5, None, 56.831867039),
    ((0.9, 0.8, 0.7, 0.95, 0.6, 0.5), 0.8, None, 67.766961796),
    ((0.9, 0.8, 0.7, 0.95, 0.6, 0.5), 0.5, "price_volatility", 54.405882035),
    ((0.9,) * 6, 0.0, None, 36.742346142),
    ((0.9,) * 6, 1.0, None, 90.0),
    ((0.98,) + (0.4,) * 5, 0.3, None, 32.898834832),
]


@pytest.mark.parametrize(("scores", "rho", "missing", "cmsi"), GOLDEN)
def test_golden_vectors(
    compiled: Path, scores: tuple[float, ...], rho: float, missing: str | None, cmsi: float
) -> None:
    """Hand-checkable prints through the very SQL of the models."""
    with duckdb.connect() as scratch:
        scratch.sql("attach ':memory:' as warehouse")
        scratch.sql("use warehouse")
        for schema in ("marts", "intermediate", "seeds"):
            scratch.sql(f"create schema {schema}")
        pillars = pl.DataFrame({"pillar": PILLARS, "position": range(1, 7), "weight": [1 / 6] * 6})
        scores_daily = pl.DataFrame(
            {
                "pillar": PILLARS,
                "score": scores,
                "mid_score": scores,
                "is_valid": [pillar != missing for pillar in PILLARS],
                "is_usable": [pillar != missing for pillar in PILLARS],
            }
        ).with_columns(date=pl.date(2025, 1, 1))
        pairs = [(i, j, 1.0 if i == j else rho) for i in PILLARS for j in PILLARS]
        correlations = pl.DataFrame(pairs, schema=["pillar_i", "pillar_j", "rho"], orient="row").with_columns(
            date=pl.date(2025, 1, 1)
        )
        for table, frame in (
            ("seeds.pillars", pillars),
            ("marts.stress_pillars_daily", scores_daily),
            ("marts.stress_correlations_daily", correlations),
        ):
            scratch.register("frame", frame)
            scratch.sql(f"create table {table} as from frame")
        for schema, model in (
            ("intermediate", "int_stress_exposures"),
            ("intermediate", "int_stress_prints"),
            ("marts", "stress_contributions_daily"),
        ):
            (path,) = compiled.rglob(f"{model}.sql")
            scratch.sql(f"create table {schema}.{model} as {path.read_text()}")
        ((q, printed),) = scratch.sql("select q, cmsi from intermediate.int_stress_prints").fetchall()
        (total,) = scratch.sql("select sum(points) from marts.stress_contributions_daily").fetchall()[0]
    assert abs(printed - cmsi) < CLOSE and abs(printed - total) < CLOSE and abs(printed - 100 * math.sqrt(q)) < CLOSE


def test_equals_the_reference(noise: object, tmp_path: Path) -> None:
    """The method's own reference implementation, where it is at hand, agrees as well."""
    folder = Path(os.environ.get("UNDERTOW_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))
    if not (folder / "cmsi_reference.py").is_file():
        pytest.skip("the reference implementation is not at hand; set UNDERTOW_REFERENCE to its folder")
    with duckdb.connect(str(noise.warehouse_path), read_only=True) as connection:  # type: ignore[attr-defined]
        connection.sql("set TimeZone = 'UTC'")
        connection.sql(
            f"copy (select usable_date, observed_date, indicator, value from marts.stress_observations) "
            f"to '{tmp_path / 'observations.parquet'}'"
        )
        connection.sql(
            f"copy (select register.* from marts.stress_register as register inner join seeds.pillars using (pillar) "
            f"order by position) to '{tmp_path / 'register.csv'}'"
        )
        index = connection.sql("select date, cmsi from marts.stress_index_daily order by date").pl()
    inputs = [tmp_path / "observations.parquet", tmp_path / "register.csv"]
    command = [sys.executable, folder / "cmsi_reference.py", *inputs, "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    reference = pl.read_csv(tmp_path / "index.csv", try_parse_dates=True).sort("date")
    assert reference["date"].to_list() == index["date"].to_list()
    assert (reference["cmsi"] - index["cmsi"]).abs().max() < CLOSE  # type: ignore[operator]
