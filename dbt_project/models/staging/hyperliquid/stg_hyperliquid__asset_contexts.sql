with source as (
    {{ latest_vintage(source("raw", "hyperliquid__asset_contexts"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        open_interest_coin,
        mark_price,
        oracle_price,
        funding_rate,
        interval_hours,
        premium_ratio,
        volume_24h_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
