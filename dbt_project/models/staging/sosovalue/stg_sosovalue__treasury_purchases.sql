with source as (
    {{ latest_vintage(source("raw", "sosovalue__treasury_purchases"), ["ticker", "reported_on"]) }}
),

renamed as (
    select
        ticker,
        reported_on,
        net_purchase_btc,
        net_cost_usd,
        holdings_btc,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
