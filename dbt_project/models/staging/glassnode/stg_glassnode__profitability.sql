with source as (
    {{ latest_vintage(source("raw", "glassnode__profitability"), ["metric", "day"]) }}
),

renamed as (
    select
        metric,
        day as date,
        value_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
