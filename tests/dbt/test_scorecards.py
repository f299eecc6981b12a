"""The scorecards on noise: they run to the end, agree with the marts they rest on, and find nothing."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from undertow_statistics.frames import Pillars


def test_variants_are_those_of_the_sensitivities(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Where a variant without a pillar has the coverage of an index, both ways to compute it agree."""
    count, worst = warehouse.sql("""
        select count(*), max(abs(ours.value - theirs.value))
        from intermediate.int_scorecard_variants as ours
        inner join marts.index_variants as variants on ours.without_pillar = variants.dropped_pillar
        inner join marts.index_sensitivities_daily as theirs
            on variants.variant = theirs.variant and ours.date = theirs.date
        where variants.index_name = 'cmsi'
    """).fetchall()[0]
    assert count > 1000 and worst < 1e-9


def test_the_composite_on_arrays_is_the_index(warehouse: duckdb.DuckDBPyConnection) -> None:
    register = warehouse.sql("from seeds.pillars where index_name = 'cmsi' order by position").pl()
    scores = warehouse.sql("from marts.stress_pillars_daily").pl()
    days = np.sort(scores["date"].unique().to_numpy())
    printed = dict(warehouse.sql("select date, cmsi from marts.stress_index_daily").fetchall())
    values = Pillars(scores, register).composite(0.97)
    computed = {day.item(): value for day, value in zip(days, values, strict=True) if np.isfinite(value)}
    assert set(computed) == set(printed) and len(printed) > 500
    assert max(abs(computed[day] - printed[day]) for day in printed) < 1e-9


def test_signals_of_r4_are_those_of_their_mart(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The first days of spells are the same; the mart has let the cool-down pass already."""
    strange = warehouse.sql("""
        select signals.variant, signals.date
        from marts.fct_fear_funding_signals as signals
        left join intermediate.int_scorecard_rule_signals as ours
            on ours.rule = 'R4' and ours.is_signal and signals.variant = ours.variant and signals.date = ours.date
        where signals.funding_source = 'panel' and ours.date is null
    """).fetchall()
    assert strange == []


def test_no_predictor_knows_more_than_the_cut_off(warehouse: duckdb.DuckDBPyConnection) -> None:
    early = warehouse.sql("""
        select predictors.predictor, predictors.date
        from intermediate.int_scorecard_predictors as predictors
        where predictors.predictor in (select predictor from intermediate.int_scorecard_readings)
            and not exists (
                select 1 from intermediate.int_scorecard_readings as readings
                where readings.predictor = predictors.predictor and readings.value = predictors.value
                    and readings.available_at <= cast(predictors.date as timestamptz) + interval '1 day 30 minutes'
            )
    """).fetchall()
    assert early == []


@pytest.mark.parametrize("table", ["metrics", "comparisons", "placebo", "rules", "events"])
def test_every_scorecard_says_something(warehouse: duckdb.DuckDBPyConnection, table: str) -> None:
    (rows,) = warehouse.sql(f"select count(*) from marts.scorecard_{table}").fetchall()[0]
    assert rows > 10


def test_noise_supports_no_rule(warehouse: duckdb.DuckDBPyConnection) -> None:
    verdicts = warehouse.sql("select distinct verdict from marts.scorecard_rules where is_primary_variant").fetchall()
    assert verdicts == [("unproven",)]
