with prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

ranges as (
    select
        asset,
        date,
        max(high_usd) as high_usd,
        min(low_usd) as low_usd,
        sum(volume_usd) as volume_usd
    from candles
    group by asset, date
),

windows as (
    select
        *,
        max(close_usd) over day_before as previous_close_usd,
        max(close_usd) over last_quarter as peak_usd
    from prices
    window
        day_before as (
            partition by asset order by date range between interval '1 day' preceding and interval '1 day' preceding
        ),
        last_quarter as (partition by asset order by date range between interval '89 days' preceding and current row)
),

final as (
    select
        windows.date,
        windows.asset,
        windows.close_usd,
        ranges.high_usd,
        ranges.low_usd,
        ranges.volume_usd,
        100.0 * (windows.close_usd / windows.previous_close_usd - 1) as return_pct,
        100.0 * (1 - windows.close_usd / windows.peak_usd) as drawdown_90d_pct,
        metrics.market_cap_usd,
        metrics.mvrv_ratio,
        windows.price_source,
        windows.available_at
    from windows
    left join ranges on windows.asset = ranges.asset and windows.date = ranges.date
    left join metrics on windows.asset = metrics.asset and windows.date = metrics.date
)

select * from final
