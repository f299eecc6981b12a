{# How well each predictor tells the days of a task from the others, with how sure that is. #}
with evaluation as (
    select * from {{ ref("int_scorecard_evaluation") }}
    where kind = 'metric'
),

predictors as (
    select * from {{ ref("scorecard_predictors") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        evaluation.task,
        evaluation.label_set,
        evaluation.era,
        evaluation.predictor,
        predictors.role,
        predictors.title,
        predictors.definition,
        evaluation.first_date,
        evaluation.last_date,
        evaluation.day_count,
        evaluation.positive_day_count,
        evaluation.event_count,
        evaluation.auroc,
        evaluation.auroc_low,
        evaluation.auroc_high,
        evaluation.auroc_without_one_low,
        evaluation.auroc_without_one_high,
        evaluation.auprc,
        evaluation.auprc_low,
        evaluation.auprc_high,
        evaluation.auprc_without_one_low,
        evaluation.auprc_without_one_high,
        1.0 * evaluation.positive_day_count / evaluation.day_count as base_rate,
        evaluation.brier,
        evaluation.brier_skill,
        evaluation.threshold_origin,
        evaluation.alarm_threshold,
        evaluation.alarm_episodes_per_year,
        evaluation.detected_event_count,
        evaluation.detection_ratio,
        evaluation.false_alarms_per_year,
        evaluation.median_lead_days,
        evaluation.usefulness_50,
        evaluation.usefulness_70,
        evaluation.usefulness_80,
        evaluation.usefulness_90,
        market.market,
        '{{ var("method_version") }}' as method_version,
        market.last_closed_date as computed_on
    from evaluation
    inner join predictors on evaluation.predictor = predictors.predictor
    cross join market
)

select * from final
