{# Companion of O2: price over what short-term holders paid on average; below one they hold at a loss. #}
with costs as (
    select * from {{ ref("stg_bitview__profitability") }}
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'btc'
),

final as (
    select
        costs.date as observed_date,
        'btc' as scope,
        prices.close_usd / nullif(costs.sth_realized_price_usd, 0) as value,
        greatest(costs.available_at, prices.available_at) as available_at
    from costs
    left join prices on costs.date = prices.date
)

select * from final
