with source as (
    {{ latest_vintage(source("raw", "recorder__depth"), ["venue", "symbol", "observed_at", "band_pct"]) }}
),

renamed as (
    select
        venue,
        symbol,
        observed_at,
        band_pct,
        depth_coin,
        depth_usd,
        depth_contracts,
        average_price,
        mid_price,
        reach_pct,
        is_whole_band,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
