{# D10: longs over shorts of the largest accounts, counted by head, at the close of the day. It stands alone: the three answer different questions. #}
with hourly as (
    select * from {{ ref("int_open_interest_hourly") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        top_trader_account_long_short_ratio as value,
        available_at
    from hourly
    where hour_started_at = cast(date as timestamp with time zone) + interval '23 hours'
)

select * from final
