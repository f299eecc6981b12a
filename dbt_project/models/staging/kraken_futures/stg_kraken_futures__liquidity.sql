with source as (
    {{ latest_vintage(source("raw", "kraken_futures__liquidity"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        bid_liquidity_005_contracts,
        bid_liquidity_01_contracts,
        bid_liquidity_025_contracts,
        bid_liquidity_05_contracts,
        bid_liquidity_10_contracts,
        bid_liquidity_100_contracts,
        ask_liquidity_005_contracts,
        ask_liquidity_01_contracts,
        ask_liquidity_025_contracts,
        ask_liquidity_05_contracts,
        ask_liquidity_10_contracts,
        ask_liquidity_100_contracts,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
