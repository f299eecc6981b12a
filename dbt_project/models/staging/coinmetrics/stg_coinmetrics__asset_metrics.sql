with source as (
    {{ latest_vintage(source("raw", "coinmetrics__asset_metrics"), ["asset", "day"]) }}
),

renamed as (
    select
        asset,
        day as date,
        price_usd,
        market_cap_usd,
        mvrv_ratio,
        flow_in_exchange_usd,
        flow_out_exchange_usd,
        exchange_supply_native,
        supply_native,
        issuance_usd,
        fee_native,
        hash_rate_ths,
        active_address_count,
        transaction_count,
        completed_at,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
