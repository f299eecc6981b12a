with source as (
    {{ latest_vintage(source("raw", "okx__funding_rates"), ["symbol", "settled_at"]) }}
),

renamed as (
    select
        symbol,
        settled_at,
        funding_rate,
        forecast_funding_rate,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
