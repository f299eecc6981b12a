with source as (
    {{ latest_vintage(source("raw", "okx__open_interest"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        open_interest_contracts,
        open_interest_coin,
        open_interest_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
