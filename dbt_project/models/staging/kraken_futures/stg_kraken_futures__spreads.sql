with source as (
    {{ latest_vintage(source("raw", "kraken_futures__spreads"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        best_bid_price,
        best_ask_price,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
