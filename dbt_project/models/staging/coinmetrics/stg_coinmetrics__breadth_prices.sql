with source as (
    {{ latest_vintage(source("raw", "coinmetrics__breadth_prices"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        price_usd,
        market_cap_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
