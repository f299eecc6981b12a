{{ config(materialized="table") }}

with supply as (
    select * from {{ ref("stg_defillama__stablecoin_supply") }}
),

prices as (
    select * from {{ ref("stg_defillama__stablecoin_prices") }}
),

coins as (
    select * from {{ ref("stablecoins") }}
),

final as (
    select
        coins.stablecoin_id,
        coins.symbol,
        coins.backing,
        supply.date,
        supply.circulating_units,
        prices.price_usd,
        1e4 * greatest(0.0, 1.0 - prices.price_usd) as depeg_bp,
        supply.available_at as supply_available_at,
        prices.available_at as price_available_at
    from supply
    inner join coins on supply.stablecoin_id = coins.stablecoin_id
    left join prices on coins.coin = prices.coin and supply.date = prices.date
)

select * from final
