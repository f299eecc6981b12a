with source as (
    {{ latest_vintage(source("raw", "bitview__supply"), ["day"]) }}
),

renamed as (
    select
        day as date,
        lth_supply_btc,
        sth_supply_btc,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
