with source as (
    {{ latest_vintage(source("raw", "bitfinex__position_sizes"), ["symbol", "side", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        side,
        opened_at,
        position_size_coin,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
