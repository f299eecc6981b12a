"""The SQL of the index against a second computation of it, on noise with holes, day by day."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.dbt import oracle

CLOSE = 1e-9
PILLARS = ["flows", "derivatives", "liquidity", "price_volatility", "onchain_defi", "macro"]


@dataclass
class Index:
    """A headline index as published, beside what it must be."""

    prefix: str
    value: str
    pillars: list[str]
    expected: oracle.Oracle


@pytest.fixture(scope="module")
def variants(noise: object) -> list[dict[str, Any]]:
    with duckdb.connect(str(noise.warehouse_path), read_only=True) as connection:  # type: ignore[attr-defined]
        return connection.sql("from marts.index_variants order by variant").pl().to_dicts()


@pytest.fixture(scope="module")
def panels(noise: object) -> dict[tuple[str, str], oracle.Panel]:
    """Ranks and scores by index and rank window."""
    found = {}
    with duckdb.connect(str(noise.warehouse_path), read_only=True) as connection:  # type: ignore[attr-defined]
        for name, prefix, rank_window, days in (
            ("cmsi", "stress", "rolling", 1461),
            ("cmsi", "stress", "expanding", 100_000),
            ("cmvi", "vulnerability", "rolling", 1461),
        ):
            pillars = connection.sql(
                f"select pillar from seeds.pillars where index_name = '{name}' order by position"
            ).fetchall()
            found[name, rank_window] = oracle.panel_of(
                connection.sql(f"from marts.{prefix}_observations").pl(),
                connection.sql(f"from marts.{prefix}_register").pl(),
                [pillar for (pillar,) in pillars],
                days,
            )
    return found


@pytest.fixture(scope="module", params=["stress", "vulnerability"])
def index(request: pytest.FixtureRequest, panels: dict[tuple[str, str], oracle.Panel]) -> Index:
    value = {"stress": "cmsi", "vulnerability": "cmvi"}[request.param]
    panel = panels[value, "rolling"]
    return Index(request.param, value, panel.pillars, oracle.of_panel(panel, explain=True))


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
    rolling, expanding = warehouse.sql("""
        select
            max(window_count) filter (where panel = 'cmsi_rolling'),
            max(window_count) filter (where panel = 'cmsi_expanding')
        from intermediate.int_index_observations
    """).fetchall()[0]
    # A day on which two observations become usable has both in its window.
    assert rolling < 1500 < expanding
    (prints,) = warehouse.sql("select count(*) from marts.vulnerability_index_daily").fetchall()[0]
    assert prints > 600


def test_ranks(warehouse: duckdb.DuckDBPyConnection, panels: dict[tuple[str, str], oracle.Panel]) -> None:
    for (name, rank_window), panel in panels.items():
        rows = warehouse.sql(f"""
            select indicator, observed_date, z, z_mid from intermediate.int_index_observations
            where panel = '{name}_{rank_window}'
        """).fetchall()
        assert len(rows) == len(panel.ranks) > 1000
        for indicator, observed, z, z_mid in rows:
            level, mid = panel.ranks[indicator, observed]
            assert (z is None) == math.isnan(level) and (z_mid is None) == math.isnan(mid)
            assert z is None or (abs(z - level) < CLOSE and abs(z_mid - mid) < CLOSE), (indicator, observed)


def test_index(warehouse: duckdb.DuckDBPyConnection, index: Index) -> None:
    rows = warehouse.sql(f"""
        select date, {index.value}, linear_bound, coverage, status from marts.{index.prefix}_index_daily order by date
    """).fetchall()
    assert [row[0] for row in rows] == sorted(index.expected.index)
    for day, value, bound, coverage, status in rows:
        want = index.expected.index[day]
        assert abs(value - float(want["value"])) < CLOSE and abs(bound - float(want["linear_bound"])) < CLOSE, day
        assert abs(coverage - float(want["coverage"])) < CLOSE and status == want["status"], day


def test_every_variant(
    warehouse: duckdb.DuckDBPyConnection,
    panels: dict[tuple[str, str], oracle.Panel],
    variants: list[dict[str, Any]],
) -> None:
    """A variant is what the index gives when it is run with that decay, window, pillars and weights."""
    assert len(variants) == 12
    for row in variants:
        panel = panels[row["index_name"], row["rank_window"]]
        weights = None
        if row["dropped_pillar"]:
            panel = panel.without(row["dropped_pillar"])
        elif row["weighting"] == "inputs":
            inputs = [len(panel.members[pillar]) for pillar in panel.pillars]
            weights = [count / sum(inputs) for count in inputs]
        expected = oracle.of_panel(panel, decay=row["ewma_decay"], weights=weights).index
        actual = warehouse.sql(f"""
            select date, value, coverage, status from intermediate.int_index_prints
            where variant = '{row["variant"]}' order by date
        """).fetchall()
        assert [day for day, *_ in actual] == sorted(expected), row["variant"]
        for day, value, coverage, status in actual:
            want = expected[day]
            assert abs(value - float(want["value"])) < CLOSE, (row["variant"], day)
            assert abs(coverage - float(want["coverage"])) < CLOSE and status == want["status"], (row["variant"], day)


def test_sensitivities_stand_beside_their_headline(
    warehouse: duckdb.DuckDBPyConnection, variants: list[dict[str, Any]]
) -> None:
    wrong = warehouse.sql("""
        select sensitivities.*
        from marts.index_sensitivities_daily as sensitivities
        left join marts.stress_index_daily as headline using (date)
        where headline_value is distinct from cmsi or difference is distinct from value - cmsi
    """).fetchall()
    assert wrong == []
    spread = dict(
        warehouse.sql(
            "select variant, max(abs(difference)) from marts.index_sensitivities_daily group by all"
        ).fetchall()
    )
    assert spread.keys() == {row["variant"] for row in variants if not row["is_headline"]}
    assert min(spread.values()) > 0.01, "a variant that never differs is none"


def test_correlations(warehouse: duckdb.DuckDBPyConnection, index: Index) -> None:
    rows = warehouse.sql(f"from marts.{index.prefix}_correlations_daily").fetchall()
    position = {pillar: number for number, pillar in enumerate(index.pillars)}
    first = min(index.expected.correlations)
    for day, one, two, rho in rows:
        want = index.expected.correlations[max(day, first)][position[one], position[two]]
        assert abs(rho - want) < CLOSE, (day, one, two)
    smallest = min(np.linalg.eigvalsh(matrix).min() for matrix in index.expected.correlations.values())
    assert smallest > -1e-12, "a correlation matrix must stay positive semi-definite"


def test_contributions(warehouse: duckdb.DuckDBPyConnection, index: Index) -> None:
    _same(
        _table(warehouse, f"select date, pillar, points from marts.{index.prefix}_contributions_daily"),
        {key: float(points) for key, points in index.expected.contributions.items()},
    )
    _same(
        _table(warehouse, f"select date, indicator, points from marts.{index.prefix}_indicator_contributions_daily"),
        {key: float(points) for key, points in index.expected.indicator_contributions.items()},
    )


def test_changes(warehouse: duckdb.DuckDBPyConnection, index: Index) -> None:
    """Also: whatever entering and leaving inputs do is in a composition term, never in a level term."""
    _same(
        _table(warehouse, f"select date, term, pillar_i, pillar_j, points from marts.{index.prefix}_changes_daily"),
        {key: float(points) for key, points in index.expected.changes.items()},
    )


def test_a_vanished_or_entering_input_is_named_wherever_it_moves_the_index(
    warehouse: duckdb.DuckDBPyConnection, index: Index
) -> None:
    """On each day an input starts or stops being fresh while its pillar goes on, the pillar has a composition term."""
    turned = warehouse.sql(f"""
        with panel as (
            select *, coalesce(lag(is_fresh) over (partition by indicator order by date), false) as was_fresh
            from marts.{index.prefix}_indicators_daily
        )
        select panel.date, panel.indicator, changes.points
        from panel
        inner join marts.{index.prefix}_contributions_daily as today using (date, pillar)
        inner join marts.{index.prefix}_contributions_daily as before
            on before.date = panel.date - 1 and before.pillar = panel.pillar
        left join marts.{index.prefix}_changes_daily as changes
            on changes.date = panel.date and changes.term = 'composition' and changes.pillar_i = panel.pillar
        where panel.was_fresh <> panel.is_fresh
    """).fetchall()
    assert turned and [row for row in turned if row[2] is None] == []


def test_adds_up(warehouse: duckdb.DuckDBPyConnection, index: Index) -> None:
    print_gap, input_gap, change_gap, changes = warehouse.sql(f"""
        with prints as (select date, {index.value} as value from marts.{index.prefix}_index_daily),
        pillars as (select date, sum(points) as points from marts.{index.prefix}_contributions_daily group by date),
        inputs as (
            select date, sum(points) as points from marts.{index.prefix}_indicator_contributions_daily group by date
        ),
        terms as (select date, sum(points) as points from marts.{index.prefix}_changes_daily group by date),
        moves as (
            select today.date, today.value - before.value as points
            from prints as today
            inner join prints as before on before.date = today.date - 1
        )
        select
            (select max(abs(value - points)) from prints inner join pillars using (date)),
            (select max(abs(value - points)) from prints inner join inputs using (date)),
            (select max(abs(moves.points - terms.points)) from moves inner join terms using (date)),
            (select count(*) from moves)
    """).fetchall()[0]
    assert print_gap < CLOSE and input_gap < CLOSE and change_gap < CLOSE and changes > 500


def test_hourly_nowcast(warehouse: duckdb.DuckDBPyConnection) -> None:
    """By the same steps, with its own window, decay and burn-in."""
    hours = warehouse.sql(
        "select hour, hour_ended_at, is_published from intermediate.int_hourly_calendar order by 1"
    ).fetchall()
    assert [hour for hour, *_ in hours] == list(range(hours[0][0], hours[-1][0] + 1)), "an hour is missing"
    register = warehouse.sql("from marts.hourly_register").pl()
    expected = oracle.hourly(
        warehouse.sql("from intermediate.int_hourly_readings").pl(),
        register,
        sorted(set(register["pillar"])),
        hours[0][0],
        hours[-1][0],
    )
    want = {
        ended_at: value
        for (_, ended_at, is_published), value in zip(hours, expected, strict=True)
        if is_published and not math.isnan(value)
    }
    got = dict(warehouse.sql("select hour_ended_at, cmsi_h from marts.cmsi_hourly").fetchall())
    assert len(want) > 2000 and got.keys() == want.keys()
    assert max(abs(got[hour] - want[hour]) for hour in want) < CLOSE
    stale, carried, most = warehouse.sql("""
        select
            count(*) filter (where not is_fresh), count(*) filter (where is_carried),
            (select max(same_hour) from (
                select count(*) as same_hour from intermediate.int_hourly_readings
                where usable_hour > (select max(hour) - 24 * 90 from intermediate.int_hourly_calendar)
                group by indicator, observed_hour % 168
            ))
        from intermediate.int_hourly_inputs
    """).fetchall()[0]
    assert stale > 10 and carried > 1000 and most == 13


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
        scratch.sql("create schema intermediate")
        day = pl.lit(date(2025, 1, 1)).alias("date")
        shared = [pl.lit("p").alias("panel"), pl.lit(0.97).alias("ewma_decay")]
        weights = pl.DataFrame({"pillar": PILLARS, "weight": [1 / 6] * 6}).with_columns(
            pl.lit("golden").alias("variant"), *shared
        )
        scored = pl.DataFrame(
            {"pillar": PILLARS, "score": scores, "is_usable": [pillar != missing for pillar in PILLARS]}
        ).with_columns(day, *shared)
        pairs = [(i, j, 1.0 if i == j else rho) for i in PILLARS for j in PILLARS]
        correlations = pl.DataFrame(pairs, schema=["pillar_i", "pillar_j", "rho"], orient="row").with_columns(
            day, *shared
        )
        for table, frame in (
            ("int_index_weights", weights),
            ("int_index_pillars", scored.drop("ewma_decay")),
            ("int_index_correlations", correlations),
        ):
            scratch.register("frame", frame)
            scratch.sql(f"create table intermediate.{table} as from frame")
        for model in ("int_index_exposures", "int_index_prints", "int_index_contributions"):
            (path,) = compiled.rglob(f"{model}.sql")
            scratch.sql(f"create table intermediate.{model} as {path.read_text()}")
        ((q, printed),) = scratch.sql("select q, value from intermediate.int_index_prints").fetchall()
        (total,) = scratch.sql("select sum(points) from intermediate.int_index_contributions").fetchall()[0]
    assert abs(printed - cmsi) < CLOSE and abs(printed - total) < CLOSE and abs(printed - 100 * math.sqrt(q)) < CLOSE


REFERENCE = Path(os.environ.get("UNDERTOW_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The method's own reference implementation, where it is at hand."""
    path = REFERENCE / "cmsi_reference.py"
    if not path.is_file():
        pytest.skip("the reference implementation is not at hand; set UNDERTOW_REFERENCE to its folder")
    spec = importlib.util.spec_from_file_location("cmsi_reference", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    slow_ranks: Callable[..., Any] = module.ranks
    known: dict[tuple[Any, ...], Any] = {}

    def ranks(dates: list[date], values: list[float], *rules: Any) -> Any:
        """Variants that share a rank window share its ranks, which the plain loops take seconds to find."""
        key = (tuple(dates), tuple(values), rules)
        if key not in known:
            known[key] = slow_ranks(dates, values, *rules)
        return known[key]

    module.ranks = ranks  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("variant", ["cmsi", "cmsi_decay_094", "cmsi_without_price", "cmvi"])
def test_equals_the_reference(
    warehouse: duckdb.DuckDBPyConnection,
    variants: list[dict[str, Any]],
    reference: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
) -> None:
    """What the reference can be told; it knows no weights by input, and its loops are too slow for a longer window."""
    (row,) = [row for row in variants if row["variant"] == variant]
    monkeypatch.setattr(reference, "DECAY", row["ewma_decay"])
    prefix = {"cmsi": "stress", "cmvi": "vulnerability"}[row["index_name"]]
    register = warehouse.sql(f"""
        select register.* from marts.{prefix}_register as register inner join seeds.pillars using (pillar)
        where pillar is distinct from '{row["dropped_pillar"]}' order by position
    """).pl()
    observations: dict[str, list[tuple[date, float]]] = {}
    for indicator, usable, value in warehouse.sql(f"""
        select indicator, usable_date, value from marts.{prefix}_observations
        order by indicator, usable_date, observed_date
    """).fetchall():
        if indicator in set(register["indicator"]):
            observations.setdefault(indicator, []).append((usable, value))
    result = reference.compute(observations, register.to_dicts())
    actual = warehouse.sql(f"""
        select date, value, q, linear_bound, coverage, status from intermediate.int_index_prints
        where variant = '{variant}' order by date
    """).fetchall()
    assert [row[0] for row in actual] == [row[0] for row in result["index"]] and len(actual) > 500
    for got, want in zip(actual, result["index"], strict=True):
        assert max(abs(a - b) for a, b in zip(got[1:5], want[1:5], strict=True)) < CLOSE, got[0]
        assert got[5] == want[5], got[0]
    if not row["is_headline"]:
        return
    parts = _table(warehouse, f"select date, pillar, points from marts.{prefix}_contributions_daily")
    _same(parts, {(day, pillar): points for day, pillar, points in result["contributions"]})
