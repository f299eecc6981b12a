{# L5 by the hour: the spread that highs and lows betray, mean of the last 24 hours, 20 of them at least. #}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '2 days' as first_at from calendar
),

estimates as (
    select
        candles.asset,
        candles.opened_at,
        {{ corwin_schultz_ratio(
            "candles.high_usd", "candles.low_usd", "candles.previous_high_usd", "candles.previous_low_usd"
        ) }} as spread_ratio,
        candles.available_at
    from candles
    inner join bounds on candles.opened_at >= bounds.first_at
    where candles.previous_high_usd is not null and candles.previous_low_usd > 0
),

days as (
    select
        asset,
        opened_at + interval '1 hour' as hour_ended_at,
        case when count(*) over last_day >= 20 then 1e4 * avg(spread_ratio) over last_day end as spread_bp,
        max(available_at) over last_day as available_at
    from estimates
    window last_day as (
        partition by asset order by opened_at range between interval '23 hours' preceding and current row
    )
),

per_asset as (
    select days.*
    from days
    inner join calendar on days.hour_ended_at = calendar.hour_ended_at
),

final as (
    {{ weighted_over_assets("per_asset", "spread_bp", at="hour_ended_at") }}
)

select * from final
