{# Whether the index kept below the threshold of its alarm budget on occasions that were no stress. #}
with rows_of as (
    select * from {{ ref("int_scorecard_controls") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        rows_of.control,
        rows_of.first_date,
        rows_of.last_date,
        rows_of.subject,
        rows_of.era,
        rows_of.highest_value,
        rows_of.alarm_threshold,
        rows_of.threshold_origin,
        rows_of.is_quiet,
        market.market,
        market.last_closed_date as computed_on
    from rows_of
    cross join market
)

select * from final
