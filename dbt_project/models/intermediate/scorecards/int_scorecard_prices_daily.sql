{#
    The 50/50 BTC-ETH index the price rule speaks of: the mean of the two simple returns of a day, compounded. A day on
    which one asset or its day before is missing has no return, and a window that holds such a day has no value.
#}
with prices as (
    select * from {{ ref("fct_prices_daily") }}
    where asset in ('btc', 'eth')
),

asset_returns as (
    select
        date,
        asset,
        close_usd / lag(close_usd) over by_asset - 1 as simple_return,
        {{ days_before("date", 1) }} = lag(date) over by_asset as is_next_day,
        available_at
    from prices
    where close_usd > 0
    window by_asset as (partition by asset order by date)
),

daily as (
    select
        date,
        ln(1 + avg(simple_return)) as log_return,
        max(case when asset = 'btc' then ln(1 + simple_return) end) as btc_log_return,
        max(available_at) as available_at
    from asset_returns
    where is_next_day
    group by date
    having count(simple_return) = 2
),

levels as (
    select
        *,
        sum(log_return) over (order by date rows between unbounded preceding and current row) as log_level
    from daily
),

windows as (
    select
        date,
        log_return,
        available_at,
        case when count(*) over last_3 = 3 then sum(log_return) over last_3 end as log_return_3d,
        case when count(*) over last_8 = 8 then 1 - exp(log_level - max(log_level) over last_8) end as drawdown_7d_ratio,
        case when count(*) over last_30 = 30 then -100.0 * sum(btc_log_return) over last_30 end as btc_fall_30d_pct,
        case when count(*) over last_30 >= 27 then 100.0 * sqrt(365.0 * avg(log_return * log_return) over last_30) end
            as realized_volatility_30d_pct
    from levels
    window
        last_3 as (order by date range between interval '2 days' preceding and current row),
        last_8 as (order by date range between interval '7 days' preceding and current row),
        last_30 as (order by date range between interval '29 days' preceding and current row)
),

returns_3d as (
    select
        date,
        count(*) over two_years as window_count,
        {{ count_not_above("log_return_3d", "two_years") }} as not_above_count,
        {{ count_below("log_return_3d", "two_years") }} as below_count
    from windows
    where log_return_3d is not null
    window two_years as (order by date range between interval '729 days' preceding and current row)
),

final as (
    select
        windows.date,
        windows.log_return,
        windows.log_return_3d,
        windows.drawdown_7d_ratio,
        windows.btc_fall_30d_pct,
        windows.realized_volatility_30d_pct,
        case when returns_3d.window_count >= 365 then 1.0 * returns_3d.not_above_count / returns_3d.window_count end
            as return_3d_rank,
        case when returns_3d.window_count >= 365 then 1.0 * returns_3d.below_count / returns_3d.window_count end
            as return_3d_rank_from_below,
        windows.available_at
    from windows
    left join returns_3d on windows.date = returns_3d.date
)

select * from final
