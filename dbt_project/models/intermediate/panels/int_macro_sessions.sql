{{ config(materialized="table") }}

with daily as (
    select * from {{ ref("stg_fred__daily_series") }}
),

weekly as (
    select * from {{ ref("stg_fred__weekly_series") }}
),

series as (
    select series_id, date, value, available_at from daily
    union all
    select series_id, date, value, available_at from weekly
),

-- Observation numbers count sessions with a value: a holiday is no observation, so "five sessions ago" skips it.
final as (
    select
        series_id,
        date,
        row_number() over (partition by series_id order by date) as observation_number,
        value,
        available_at
    from series
    where value is not null
)

select * from final
