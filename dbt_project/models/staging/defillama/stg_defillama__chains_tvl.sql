with source as (
    {{ latest_vintage(source("raw", "defillama__chains_tvl"), ["chain", "day"]) }}
),

renamed as (
    select
        chain,
        day as date,
        tvl_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
