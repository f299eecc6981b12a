with source as (
    {{ latest_vintage(source("raw", "coinglass__funding_rates"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        funding_rate_open_pct,
        funding_rate_high_pct,
        funding_rate_low_pct,
        funding_rate_pct,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
