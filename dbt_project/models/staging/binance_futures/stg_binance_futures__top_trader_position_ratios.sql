with source as (
    {{ latest_vintage(source("raw", "binance_futures__top_trader_position_ratios"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        top_trader_position_long_short_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
