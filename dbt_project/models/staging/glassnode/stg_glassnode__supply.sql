with source as (
    {{ latest_vintage(source("raw", "glassnode__supply"), ["cohort", "day"]) }}
),

renamed as (
    select
        cohort,
        day as date,
        supply_btc,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
