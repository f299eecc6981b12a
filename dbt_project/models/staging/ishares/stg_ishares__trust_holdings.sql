with source as (
    {{ latest_vintage(source("raw", "ishares__trust_holdings"), ["ticker", "session_date"]) }}
),

renamed as (
    select
        ticker,
        session_date,
        asset,
        shares_outstanding_count,
        holdings_coin,
        holdings_usd,
        cash_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
