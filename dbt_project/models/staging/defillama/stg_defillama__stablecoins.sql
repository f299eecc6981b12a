with source as (
    {{ latest_vintage(source("raw", "defillama__stablecoins"), ["stablecoin_id", "observed_at"]) }}
),

renamed as (
    select
        stablecoin_id,
        observed_at,
        symbol,
        name,
        peg_type,
        peg_mechanism,
        circulating_units,
        price_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
