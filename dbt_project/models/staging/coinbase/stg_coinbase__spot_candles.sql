with source as (
    {{ latest_vintage(source("raw", "coinbase__spot_candles"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        open_price,
        high_price,
        low_price,
        close_price,
        volume_base,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
