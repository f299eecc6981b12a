with source as (
    {{ latest_vintage(source("raw", "kraken_futures__open_interest"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        open_interest_open_contracts,
        open_interest_high_contracts,
        open_interest_low_contracts,
        open_interest_close_contracts,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
