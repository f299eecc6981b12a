{#
    V1 by the hour: log of the volatility of the last 168 hours over the median of the 180 days up to yesterday; a half-half
    BTC-ETH holding. Nine in ten hours must be there.
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

assets as (
    select * from {{ ref("assets") }}
),

volatility as (
    select * from {{ ref("int_realized_volatility_daily") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '8 days' as first_at from calendar
),

hours as (
    select
        candles.opened_at,
        sum(assets.equal_weight * candles.log_return) as log_return,
        max(candles.available_at) as available_at
    from candles
    inner join assets on candles.asset = assets.asset
    inner join bounds on candles.opened_at >= bounds.first_at
    where candles.log_return is not null
    group by candles.opened_at
    having count(*) = (select count(*) from assets)
),

weeks as (
    select
        opened_at + interval '1 hour' as hour_ended_at,
        {{ days_before("opened_at", 1) }} as norm_date,
        sum(log_return * log_return) over last_week as variance_sum,
        count(*) over last_week as hour_count,
        max(available_at) over last_week as available_at
    from hours
    window last_week as (order by opened_at range between interval '167 hours' preceding and current row)
),

norms as (
    select
        date,
        {{ median_over("rv_7d_pct", "last_half_year") }} as norm_pct,
        count(rv_7d_pct) over last_half_year as norm_count,
        max(available_at) over last_half_year as available_at
    from volatility
    window last_half_year as (order by date range between interval '179 days' preceding and current row)
),

final as (
    select
        weeks.hour_ended_at,
        ln(100.0 * sqrt(8760.0 * weeks.variance_sum / weeks.hour_count) / norms.norm_pct) as value,
        greatest(weeks.available_at, norms.available_at) as available_at
    from weeks
    inner join calendar on weeks.hour_ended_at = calendar.hour_ended_at
    inner join norms on weeks.norm_date = norms.date
    where weeks.hour_count >= 152 and weeks.variance_sum > 0 and norms.norm_count >= 90 and norms.norm_pct > 0
)

select * from final
