{{ config(materialized="table") }}

with hourly as (
    select * from {{ ref("int_open_interest_hourly") }}
),

-- The day closes with the last hour that has a reading, if that is its last hour: an earlier one is not a close.
final as (
    select
        asset,
        date,
        open_interest_coin,
        open_interest_usd,
        available_at
    from hourly
    where
        hour_started_at = cast(date as timestamp with time zone) + interval '23 hours'
        and open_interest_coin is not null
)

select * from final
