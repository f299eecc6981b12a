{#
    Complacency: realised volatility of 30 days less what options price for the next 30 (DVOL), in volatility points. Sellers
    of options are usually paid for the risk; where the pay is gone, what happened is not priced to happen again. Volatility
    is that of each asset itself, as DVOL's is; 648 hourly returns (nine in ten) must be there.
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

dvol as (
    select * from {{ ref("stg_deribit__dvol") }}
),

assets as (
    select * from {{ ref("assets") }}
),

days as (
    select
        asset,
        date,
        sum(log_return * log_return) as variance_sum,
        count(log_return) as hour_count,
        max(available_at) as available_at
    from candles
    group by asset, date
),

realised as (
    select
        asset,
        date,
        sum(variance_sum) over last_month as variance_sum,
        sum(hour_count) over last_month as hour_count,
        max(available_at) over last_month as available_at
    from days
    window last_month as (partition by asset order by date range between interval '29 days' preceding and current row)
),

per_asset as (
    select
        realised.asset,
        realised.date,
        case
            when realised.hour_count >= 648
                then 100.0 * sqrt(8760.0 * realised.variance_sum / realised.hour_count) - dvol.dvol_close_pct
        end as complacency,
        greatest(realised.available_at, dvol.available_at) as available_at
    from realised
    inner join assets on realised.asset = assets.asset
    inner join dvol on assets.dvol_currency = dvol.currency and realised.date = dvol.date
),

final as (
    {{ weighted_over_assets("per_asset", "complacency") }}
)

select * from final
