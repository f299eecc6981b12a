with source as (
    {{ latest_vintage(source("raw", "defillama__stablecoin_supply"), ["stablecoin_id", "day"]) }}
),

renamed as (
    select
        stablecoin_id,
        symbol,
        day as date,
        peg_type,
        circulating_units,
        circulating_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
