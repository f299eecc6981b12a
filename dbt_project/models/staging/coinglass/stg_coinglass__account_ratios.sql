with source as (
    {{ latest_vintage(source("raw", "coinglass__account_ratios"), ["venue", "symbol", "day"]) }}
),

renamed as (
    select
        venue,
        symbol,
        day as date,
        long_accounts_pct,
        short_accounts_pct,
        account_long_short_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
