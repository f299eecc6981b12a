with source as (
    {{ latest_vintage(source("raw", "binance_vision__um_metrics"), ["symbol", "period_ended_at"]) }}
),

renamed as (
    select
        symbol,
        period_ended_at,
        open_interest_coin,
        open_interest_usd,
        top_trader_account_long_short_ratio,
        top_trader_position_long_short_ratio,
        account_long_short_ratio,
        taker_buy_sell_volume_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
