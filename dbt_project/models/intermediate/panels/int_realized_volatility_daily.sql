{{ config(materialized="table") }}

with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

assets as (
    select * from {{ ref("assets") }}
),

-- Only hours in which every asset of the holding has a return: half a holding is another holding.
hours as (
    select
        candles.date,
        candles.opened_at,
        sum(assets.equal_weight * candles.log_return) as log_return,
        max(candles.available_at) as available_at
    from candles
    inner join assets on candles.asset = assets.asset
    where candles.log_return is not null
    group by candles.date, candles.opened_at
    having count(*) = (select count(*) from assets)
),

days as (
    select
        date,
        sum(log_return * log_return) as variance_sum,
        sum(case when log_return < 0 then log_return * log_return else 0 end) as downside_variance_sum,
        count(*) as hour_count,
        max(available_at) as available_at
    from hours
    group by date
),

windows as (
    select
        date,
        sum(variance_sum) over last_week as variance_sum,
        sum(downside_variance_sum) over last_week as downside_variance_sum,
        sum(hour_count) over last_week as hour_count,
        sum(variance_sum) over last_month as month_variance_sum,
        sum(hour_count) over last_month as month_hour_count,
        max(available_at) over last_week as available_at
    from days
    window
        last_week as (order by date range between interval '6 days' preceding and current row),
        last_month as (order by date range between interval '29 days' preceding and current row)
),

-- Nine in ten hours are enough; the mean makes up for the rest. 8,760 hours make a year.
final as (
    select
        date,
        case when hour_count >= 152 then 100.0 * sqrt(8760.0 * variance_sum / hour_count) end as rv_7d_pct,
        case when month_hour_count >= 648 then 100.0 * sqrt(8760.0 * month_variance_sum / month_hour_count) end as rv_30d_pct,
        case when hour_count >= 152 and variance_sum > 0 then downside_variance_sum / variance_sum end
            as downside_variance_ratio,
        available_at
    from windows
)

select * from final
