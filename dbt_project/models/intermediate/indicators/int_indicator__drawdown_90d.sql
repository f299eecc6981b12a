{# V2: how far the daily close is below its highest of 90 days, in per cent; half Bitcoin, half Ether. #}
with prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

windows as (
    select
        asset,
        date,
        close_usd,
        max(close_usd) over last_quarter as peak_usd,
        count(close_usd) over last_quarter as day_count,
        available_at
    from prices
    window last_quarter as (partition by asset order by date range between interval '89 days' preceding and current row)
),

per_asset as (
    select
        asset,
        date,
        case when day_count >= 60 then 100.0 * (1 - close_usd / peak_usd) end as drawdown_pct,
        available_at
    from windows
),

final as (
    {{ weighted_over_assets("per_asset", "drawdown_pct", weight="equal_weight") }}
)

select * from final
