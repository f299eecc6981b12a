with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

windows as (
    select
        *,
        max(open_interest_coin) over week_before as earlier_coin,
        max(open_interest_coin) over last_quarter as peak_coin
    from open_interest
    window
        week_before as (
            partition by asset order by date range between interval '7 days' preceding and interval '7 days' preceding
        ),
        last_quarter as (partition by asset order by date range between interval '89 days' preceding and current row)
),

final as (
    select
        windows.date,
        windows.asset,
        windows.open_interest_coin,
        windows.open_interest_usd,
        100.0 * windows.open_interest_usd / nullif(metrics.market_cap_usd, 0) as open_interest_to_market_cap_pct,
        100.0 * (windows.open_interest_coin / nullif(windows.earlier_coin, 0) - 1) as change_7d_pct,
        100.0 * (1 - windows.open_interest_coin / nullif(windows.peak_coin, 0)) as drawdown_90d_pct,
        windows.available_at
    from windows
    left join metrics on windows.asset = metrics.asset and windows.date = metrics.date
)

select * from final
