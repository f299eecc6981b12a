with source as (
    {{ latest_vintage(source("raw", "coinglass__spot_prices"), ["venue", "symbol", "day"]) }}
),

renamed as (
    select
        venue,
        symbol,
        day as date,
        open_price,
        high_price,
        low_price,
        close_price,
        volume_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
