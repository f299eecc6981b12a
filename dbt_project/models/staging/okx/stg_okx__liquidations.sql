with source as (
    {{ latest_vintage(source("raw", "okx__liquidations"), ["symbol", "occurred_at", "position_side", "bankruptcy_price", "size_contracts"]) }}
),

renamed as (
    select
        symbol,
        occurred_at,
        position_side,
        bankruptcy_price,
        size_contracts,
        liquidation_count,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
