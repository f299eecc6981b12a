with hourly as (
    select * from {{ ref("int_open_interest_hourly") }}
),

final as (
    select
        hour_started_at,
        date,
        asset,
        symbol,
        open_interest_coin,
        open_interest_usd,
        low_open_interest_coin,
        high_open_interest_coin,
        account_long_short_ratio,
        top_trader_account_long_short_ratio,
        top_trader_position_long_short_ratio,
        taker_buy_sell_volume_ratio,
        cast(reading_count as integer) as reading_count,
        available_at
    from hourly
)

select * from final
