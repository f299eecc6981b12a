with source as (
    {{ latest_vintage(source("raw", "gate__contract_stats"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        mark_price,
        open_interest_contracts,
        open_interest_usd,
        long_liquidations_contracts,
        long_liquidations_coin,
        long_liquidations_usd,
        long_liquidations_new_usd,
        short_liquidations_contracts,
        short_liquidations_coin,
        short_liquidations_usd,
        short_liquidations_new_usd,
        taker_buy_sell_volume_ratio,
        account_long_short_ratio,
        top_trader_account_long_short_ratio,
        top_trader_position_long_short_ratio,
        taker_buy_contracts,
        taker_sell_contracts,
        long_account_count,
        short_account_count,
        top_trader_long_account_count,
        top_trader_short_account_count,
        top_trader_long_contracts,
        top_trader_short_contracts,
        funding_rate,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
