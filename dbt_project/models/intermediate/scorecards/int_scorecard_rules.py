# Every rule, variant, outcome and horizon against matched days.
import polars as pl

from undertow_statistics.frames import read_rules, table
from undertow_statistics.rules import evaluate


def model(dbt, session):
    signals, outcomes, strata = read_rules(
        rules=dbt.ref("rules"),
        variants=dbt.ref("rule_variants"),
        rule_outcomes=dbt.ref("rule_outcomes"),
        signals=dbt.ref("int_scorecard_rule_signals"),
        outcomes=dbt.ref("int_scorecard_outcomes"),
        strata=dbt.ref("int_scorecard_strata"),
    )
    return table(
        evaluate(signals, outcomes, strata, draws=dbt.config.get("draws"), seed=20251205),
        {
            "rule": pl.String,
            "variant": pl.String,
            "outcome": pl.String,
            "horizon_days": pl.Int32,
            "is_primary_outcome": pl.Boolean,
            "expected_sign": pl.Int32,
            "signal_count": pl.Int32,
            "episode_count": pl.Int32,
            "widened_count": pl.Int32,
            "signal_mean": pl.Float64,
            "matched_mean": pl.Float64,
            "effect": pl.Float64,
            "effect_low": pl.Float64,
            "effect_high": pl.Float64,
            "p_value": pl.Float64,
            "p_value_holm": pl.Float64,
            "verdict": pl.String,
        },
    )
