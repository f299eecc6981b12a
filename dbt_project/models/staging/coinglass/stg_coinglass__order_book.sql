with source as (
    {{ latest_vintage(source("raw", "coinglass__order_book"), ["asset", "range_pct", "day"]) }}
),

renamed as (
    select
        asset,
        range_pct,
        day as date,
        bid_depth_usd,
        bid_depth_coin,
        ask_depth_usd,
        ask_depth_coin,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
