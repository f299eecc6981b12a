{# The index against each baseline and each ablation on the days both have, in numbers and in the words they allow. #}
with evaluation as (
    select * from {{ ref("int_scorecard_evaluation") }}
    where kind = 'comparison'
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
        evaluation.subject,
        evaluation.compared_with,
        evaluation.role,
        evaluation.metric,
        evaluation.day_count,
        evaluation.event_count,
        evaluation.subject_value,
        evaluation.other_value,
        evaluation.difference,
        evaluation.difference_low,
        evaluation.difference_high,
        evaluation.without_one_low,
        evaluation.without_one_high,
        evaluation.verdict,
        subjects.title
        || case evaluation.verdict
            when 'better' then ' distinguishes better than '
            when 'worse' then ' distinguishes worse than '
            when 'not distinguished' then ' does not distinguish from '
            else ' cannot be compared with '
        end
        || others.title || ' at ' || evaluation.event_count
        || case when evaluation.event_count = 1 then ' event' else ' events' end as wording,
        market.market,
        '{{ var("method_version") }}' as method_version,
        market.last_closed_date as computed_on
    from evaluation
    inner join predictors as subjects on evaluation.subject = subjects.predictor
    inner join predictors as others on evaluation.compared_with = others.predictor
    cross join market
)

select * from final
