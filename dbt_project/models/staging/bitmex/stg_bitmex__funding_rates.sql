with source as (
    {{ latest_vintage(source("raw", "bitmex__funding_rates"), ["symbol", "settled_at"]) }}
),

renamed as (
    select
        symbol,
        settled_at,
        interval_hours,
        funding_rate,
        funding_daily_rate,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
