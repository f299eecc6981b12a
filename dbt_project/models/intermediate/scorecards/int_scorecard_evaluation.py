# Rank measures, alarms and comparisons of every predictor. One model, because both halves rest on the same resamples;
# scorecard_metrics and scorecard_comparisons are its two kinds of rows.
import polars as pl

from undertow_statistics.frames import read_study, table
from undertow_statistics.study import evaluate

_PLACE = {"task": pl.String, "label_set": pl.String, "era": pl.String}
_METRICS = {
    "predictor": pl.String,
    "first_date": pl.Date,
    "last_date": pl.Date,
    "positive_day_count": pl.Int32,
    **{
        measure + part: pl.Float64
        for measure in ("auroc", "auprc")
        for part in ("", "_low", "_high", "_without_one_low", "_without_one_high")
    },
    "brier": pl.Float64,
    "brier_skill": pl.Float64,
    "threshold_origin": pl.String,
    "alarm_threshold": pl.Float64,
    "alarm_episodes_per_year": pl.Float64,
    "detected_event_count": pl.Int32,
    "detection_ratio": pl.Float64,
    "false_alarms_per_year": pl.Float64,
    "median_lead_days": pl.Float64,
    **{f"usefulness_{preference}": pl.Float64 for preference in (50, 70, 80, 90)},
}
_COMPARISONS = {
    "subject": pl.String,
    "compared_with": pl.String,
    "metric": pl.String,
    "subject_value": pl.Float64,
    "other_value": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "without_one_low": pl.Float64,
    "without_one_high": pl.Float64,
    "verdict": pl.String,
}
_SHARED = {"role": pl.String, "day_count": pl.Int32, "event_count": pl.Int32}


def model(dbt, session):
    study, _ = read_study(
        predictors=dbt.ref("int_scorecard_predictors"),
        register=dbt.ref("scorecard_predictors"),
        triggers=dbt.ref("int_scorecard_triggers"),
        events=dbt.ref("scorecard_events"),
        eras=dbt.ref("scorecard_eras"),
        label_sets=dbt.ref("scorecard_label_sets"),
        pillar_scores=dbt.ref("stress_pillars_daily"),
        pillars=dbt.ref("pillars"),
        replicates=dbt.config.get("replicates"),
    )
    metrics, comparisons = evaluate(study)
    rows = [{"kind": "metric", **row} for row in metrics] + [{"kind": "comparison", **row} for row in comparisons]
    return table(rows, {"kind": pl.String, **_PLACE, **_SHARED, **_METRICS, **_COMPARISONS})
