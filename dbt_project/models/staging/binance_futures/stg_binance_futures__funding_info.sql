with source as (
    {{ latest_vintage(source("raw", "binance_futures__funding_info"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        interval_hours,
        funding_cap_rate,
        funding_floor_rate,
        adjusted_at,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
