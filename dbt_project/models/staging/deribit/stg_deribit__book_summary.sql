with source as (
    {{ latest_vintage(source("raw", "deribit__book_summary"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        kind,
        asset,
        open_interest_usd,
        open_interest_coin,
        volume_24h_coin,
        volume_24h_usd,
        mark_price,
        bid_price,
        ask_price,
        mid_price,
        mark_iv_pct,
        underlying_price,
        funding_rate,
        funding_8h_rate,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
