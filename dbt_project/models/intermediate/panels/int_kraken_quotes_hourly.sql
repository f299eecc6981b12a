{#
    Best bid and ask of the perpetuals of Kraken by hour, one look each, and what selling one million dollars at market
    would have cost against mid. A book too thin to take the order has no cost; `is_fillable` tells that from no look.
#}
with quotes as (
    select * from {{ ref("stg_kraken_futures__spreads") }}
    where best_bid_price > 0 and best_ask_price >= best_bid_price
),

fills as (
    select * from {{ ref("stg_kraken_futures__slippage") }}
),

contracts as (
    select * from {{ ref("universe_contracts") }}
    where venue = 'kraken'
),

looks as (
    select
        contracts.asset,
        quotes.opened_at as hour_started_at,
        (quotes.best_bid_price + quotes.best_ask_price) / 2 as mid_usd,
        quotes.best_ask_price - quotes.best_bid_price as spread_usd,
        fills.symbol is not null as is_looked,
        fills.bid_fill_1m_price,
        quotes.available_at,
        greatest(quotes.available_at, fills.available_at) as fill_available_at
    from quotes
    inner join contracts on quotes.symbol = contracts.symbol
    left join fills on quotes.symbol = fills.symbol and quotes.opened_at = fills.opened_at
),

final as (
    select
        asset,
        hour_started_at,
        {{ utc_date("hour_started_at") }} as date,
        mid_usd,
        1e4 * spread_usd / mid_usd as spread_bp,
        1e4 * (mid_usd - bid_fill_1m_price) / mid_usd as slip_1m_bp,
        case when is_looked then bid_fill_1m_price is not null end as is_fillable,
        available_at,
        fill_available_at
    from looks
)

select * from final
