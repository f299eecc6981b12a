# Missed events and false alarms of the index at its alarm budget.
import polars as pl

from undertow_statistics.frames import read_study, table
from undertow_statistics.study import misses


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
    )
    return table(
        misses(study),
        {
            "task": pl.String,
            "label_set": pl.String,
            "era": pl.String,
            "subject": pl.String,
            "kind": pl.String,
            "date": pl.Date,
            "first_date": pl.Date,
            "last_date": pl.Date,
            "highest_value": pl.Float64,
            "alarm_threshold": pl.Float64,
            "highest_pillar": pl.String,
        },
    )
