{# D9 by the hour: how far the perpetual's mark is below its index, mean of the last 24 hours, 20 of them at least. #}
with calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '2 days' as first_at from calendar
),

open_interest as (
    select open_interest.*
    from {{ ref("int_open_interest_hourly") }} as open_interest
    inner join bounds on open_interest.hour_started_at >= bounds.first_at
    where open_interest.open_interest_coin > 0 and open_interest.open_interest_usd > 0
),

index_candles as (
    select * from {{ ref("stg_binance_vision__um_index_klines") }}
    where close_price > 0 and extract(minute from opened_at) = 55
),

spot as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

hours as (
    {{ perp_premium_hours("open_interest", "index_candles", "spot") }}
),

days as (
    select
        asset,
        hour_started_at + interval '1 hour' as hour_ended_at,
        case when count(premium_bp) over last_day >= 20 then -avg(premium_bp) over last_day end as discount_bp,
        max(available_at) over last_day as available_at
    from hours
    where premium_bp is not null
    window last_day as (
        partition by asset order by hour_started_at range between interval '23 hours' preceding and current row
    )
),

per_asset as (
    select days.*
    from days
    inner join calendar on days.hour_ended_at = calendar.hour_ended_at
),

final as (
    {{ weighted_over_assets("per_asset", "discount_bp", at="hour_ended_at") }}
)

select * from final
