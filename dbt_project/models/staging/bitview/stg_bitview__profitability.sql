with source as (
    {{ latest_vintage(source("raw", "bitview__profitability"), ["day"]) }}
),

renamed as (
    select
        day as date,
        sopr_ratio,
        sth_sopr_ratio,
        realized_cap_usd,
        realized_price_usd,
        sth_realized_price_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
