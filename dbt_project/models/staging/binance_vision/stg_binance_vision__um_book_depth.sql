with source as (
    {{ latest_vintage(source("raw", "binance_vision__um_book_depth"), ["symbol", "snapshot_at", "band_pct"]) }}
),

renamed as (
    select
        symbol,
        snapshot_at,
        band_pct,
        depth_coin,
        depth_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
