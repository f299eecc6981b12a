# Whether the index kept quiet where it should: the declared occasions, and the largest rises of the market.
import polars as pl

from undertow_statistics.frames import read_study, table
from undertow_statistics.measures import episodes
from undertow_statistics.study import controls, number_of


def model(dbt, session):
    declared = dbt.ref("scorecard_quiet_occasions").pl()
    prices = dbt.ref("int_scorecard_prices_daily").pl()
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
    occasions = [
        (row["control"], number_of(row["first_date"]), number_of(row["last_date"])) for row in declared.to_dicts()
    ]
    rises = prices.filter(pl.col("return_3d_rank_from_below") >= 0.99).sort("date")
    rise_days = pl.Series([number_of(day) for day in rises["date"]], dtype=pl.Int64).to_numpy()
    occasions += [("large_rise", first, last) for first, last in episodes(rise_days)]
    return table(
        controls(study, occasions),
        {
            "control": pl.String,
            "first_date": pl.Date,
            "last_date": pl.Date,
            "subject": pl.String,
            "era": pl.String,
            "highest_value": pl.Float64,
            "alarm_threshold": pl.Float64,
            "threshold_origin": pl.String,
            "is_quiet": pl.Boolean,
        },
    )
