{# Every event the index missed and every false alarm it gave, at the threshold of its alarm budget. #}
with rows_of as (
    select * from {{ ref("int_scorecard_misses") }}
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
        rows_of.kind,
        rows_of.date,
        rows_of.first_date,
        rows_of.last_date,
        rows_of.highest_value,
        rows_of.alarm_threshold,
        rows_of.highest_pillar,
        market.market,
        market.last_closed_date as computed_on
    from rows_of
    cross join market
)

select * from final
