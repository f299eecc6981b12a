{# What chance gives: the index against labels moved to other days, and the labels against composites of moved pillars. #}
with rows_of as (
    select * from {{ ref("int_scorecard_placebo") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        rows_of.task,
        rows_of.label_set,
        rows_of.era,
        rows_of.subject,
        rows_of.placebo,
        rows_of.replicate_count,
        rows_of.auroc,
        rows_of.placebo_auroc_mean,
        rows_of.placebo_auroc_low,
        rows_of.placebo_auroc_high,
        rows_of.p_value,
        market.market,
        market.last_closed_date as computed_on
    from rows_of
    cross join market
)

select * from final
