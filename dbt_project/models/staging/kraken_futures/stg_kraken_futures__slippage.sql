with source as (
    {{ latest_vintage(source("raw", "kraken_futures__slippage"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        bid_fill_1k_price,
        bid_fill_10k_price,
        bid_fill_100k_price,
        bid_fill_1m_price,
        ask_fill_1k_price,
        ask_fill_10k_price,
        ask_fill_100k_price,
        ask_fill_1m_price,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
