# The index against labels that were moved, and the labels against composites of pillars that were moved.
import polars as pl

from undertow_statistics.frames import read_study, table
from undertow_statistics.study import placebo


def model(dbt, session):
    study, pillars = read_study(
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
    variants = dbt.ref("index_variants").pl()
    decay = variants.filter(pl.col("is_headline") & (pl.col("index_name") == "cmsi"))["ewma_decay"].item()
    shuffles = min(200, dbt.config.get("replicates"))
    shuffled = {"cmsi": pillars.shuffled(study.days, decay, shuffles, study.seed)}
    return table(
        placebo(study, shuffled),
        {
            "task": pl.String,
            "label_set": pl.String,
            "era": pl.String,
            "subject": pl.String,
            "placebo": pl.String,
            "replicate_count": pl.Int32,
            "auroc": pl.Float64,
            "placebo_auroc_mean": pl.Float64,
            "placebo_auroc_low": pl.Float64,
            "placebo_auroc_high": pl.Float64,
            "p_value": pl.Float64,
        },
    )
