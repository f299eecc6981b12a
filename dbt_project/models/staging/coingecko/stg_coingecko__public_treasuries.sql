with source as (
    {{ latest_vintage(source("raw", "coingecko__public_treasuries"), ["asset", "observed_at", "entity", "ticker"]) }}
),

renamed as (
    select
        asset,
        observed_at,
        entity,
        ticker,
        country,
        holdings_coin,
        entry_value_usd,
        current_value_usd,
        supply_share_pct,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
