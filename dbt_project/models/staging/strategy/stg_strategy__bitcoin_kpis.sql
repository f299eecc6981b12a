with source as (
    {{ latest_vintage(source("raw", "strategy__bitcoin_kpis"), ["company", "observed_at"]) }}
),

renamed as (
    select
        company,
        observed_at,
        priced_at,
        holdings_btc,
        price_usd,
        mnav_ratio,
        per_share_sats,
        debt_share_pct,
        preferred_share_pct,
        debt_and_preferred_share_pct,
        yearly_obligations_usd,
        bitcoin_cover_years,
        dollar_cover_months,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
