with source as (
    {{ latest_vintage(source("raw", "coinglass__open_interest"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        open_interest_open_usd,
        open_interest_high_usd,
        open_interest_low_usd,
        open_interest_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
