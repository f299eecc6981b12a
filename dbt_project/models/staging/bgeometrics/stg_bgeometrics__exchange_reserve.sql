with source as (
    {{ latest_vintage(source("raw", "bgeometrics__exchange_reserve"), ["day"]) }}
),

renamed as (
    select
        day as date,
        exchange_reserve_btc,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
