{#
    Liquidations of loans, each with what it was worth. The notional is the debt that was repaid; where its token has
    no price here, the collateral that was seized stands for it, which is larger by the penalty. Prices are the close
    of the hour of the block: the price the protocol's oracle had at the block is not held.

    The penalty is what the borrower lost beyond the debt. It is a small difference of two large figures, so an hour's
    move of the price can swamp it: outside of 0 to 20 % of the debt, which no collateral of the pool charges, it is
    unknown.
#}
with calls as (
    select * from {{ ref("stg_aave__liquidation_calls") }}
),

tokens as (
    select * from {{ ref("defi_tokens") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

priced as (
    select
        calls.liquidated_at,
        calls.log_index,
        {{ utc_date("calls.liquidated_at") }} as date,
        calls.collateral_symbol,
        calls.debt_symbol,
        calls.debt_native * case when debt_tokens.priced_as = 'usd' then 1.0 else debt_prices.close_usd end as debt_usd,
        calls.collateral_native
        * case when collateral_tokens.priced_as = 'usd' then 1.0 else collateral_prices.close_usd end as collateral_usd,
        greatest(calls.available_at, debt_prices.available_at, collateral_prices.available_at) as available_at
    from calls
    left join tokens as debt_tokens on calls.debt_symbol = debt_tokens.symbol
    left join tokens as collateral_tokens on calls.collateral_symbol = collateral_tokens.symbol
    left join candles as debt_prices
        on
            debt_tokens.priced_as = debt_prices.asset
            and debt_prices.opened_at = date_trunc('hour', calls.liquidated_at)
    left join candles as collateral_prices
        on
            collateral_tokens.priced_as = collateral_prices.asset
            and collateral_prices.opened_at = date_trunc('hour', calls.liquidated_at)
),

final as (
    select
        liquidated_at,
        log_index,
        date,
        collateral_symbol,
        debt_symbol,
        debt_usd,
        collateral_usd,
        coalesce(debt_usd, collateral_usd) as notional_usd,
        case when collateral_usd between debt_usd and 1.2 * debt_usd then collateral_usd - debt_usd end as penalty_usd,
        available_at
    from priced
)

select * from final
