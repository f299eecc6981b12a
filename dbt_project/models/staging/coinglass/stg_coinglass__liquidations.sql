with source as (
    {{ latest_vintage(source("raw", "coinglass__liquidations"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        long_liquidations_usd,
        short_liquidations_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
