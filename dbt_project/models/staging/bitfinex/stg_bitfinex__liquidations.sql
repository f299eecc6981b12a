with source as (
    {{ latest_vintage(source("raw", "bitfinex__liquidations"), ["position_id", "liquidated_at", "is_executed"]) }}
),

renamed as (
    select
        symbol,
        position_id,
        liquidated_at,
        is_executed,
        is_market_sold,
        amount_coin,
        entry_price,
        liquidation_price,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
