with source as (
    {{ latest_vintage(source("raw", "coinglass__taker_volumes"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        taker_buy_volume_usd,
        taker_sell_volume_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
