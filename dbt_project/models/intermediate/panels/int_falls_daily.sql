{#
    How far and how fast an asset fell from its highest close of 90 days: the peak (its last day if it was reached more
    than once), the lowest close since, and the days between them. At least 60 days with a close are needed.
#}
with prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

windows as (
    select
        asset,
        date,
        max(close_usd) over last_quarter as peak_usd,
        count(close_usd) over last_quarter as day_count,
        max(available_at) over last_quarter as available_at
    from prices
    window last_quarter as (partition by asset order by date range between interval '89 days' preceding and current row)
),

peaks as (
    select
        windows.asset,
        windows.date,
        windows.peak_usd,
        windows.available_at,
        max(prices.date) as peak_date
    from windows
    inner join prices
        on windows.asset = prices.asset
        and windows.peak_usd = prices.close_usd
        and prices.date <= windows.date
        and prices.date >= {{ days_before("windows.date", 89) }}
    where windows.day_count >= 60
    group by windows.asset, windows.date, windows.peak_usd, windows.available_at
),

troughs as (
    select
        peaks.asset,
        peaks.date,
        peaks.peak_usd,
        peaks.peak_date,
        min(prices.close_usd) as trough_usd,
        {{ value_at_max("prices.date", "-prices.close_usd") }} as trough_date,
        peaks.available_at
    from peaks
    inner join prices
        on peaks.asset = prices.asset and prices.date >= peaks.peak_date and prices.date <= peaks.date
    group by peaks.asset, peaks.date, peaks.peak_usd, peaks.peak_date, peaks.available_at
),

final as (
    select
        asset,
        date,
        peak_date,
        peak_usd,
        trough_date,
        trough_usd,
        date - peak_date as days_since_peak,
        trough_date - peak_date as days_to_trough,
        100.0 * (1 - trough_usd / peak_usd) as fall_pct,
        case
            when trough_date > peak_date then 100.0 * (1 - trough_usd / peak_usd) / (trough_date - peak_date)
            else 0.0
        end as fall_pct_per_day,
        available_at
    from troughs
)

select * from final
