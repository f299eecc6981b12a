with source as (
    {{ latest_vintage(source("raw", "coinglass__top_trader_account_ratios"), ["venue", "symbol", "day"]) }}
),

renamed as (
    select
        venue,
        symbol,
        day as date,
        top_trader_long_accounts_pct,
        top_trader_short_accounts_pct,
        top_trader_account_long_short_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
