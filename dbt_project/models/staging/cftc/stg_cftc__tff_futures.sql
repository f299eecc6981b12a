with source as (
    {{ latest_vintage(source("raw", "cftc__tff_futures"), ["contract_code", "report_date"]) }}
),

renamed as (
    select
        contract_code,
        report_date,
        asset,
        market_name,
        contract_units,
        open_interest_contracts,
        dealer_long_contracts,
        dealer_short_contracts,
        dealer_spread_contracts,
        asset_manager_long_contracts,
        asset_manager_short_contracts,
        asset_manager_spread_contracts,
        leveraged_fund_long_contracts,
        leveraged_fund_short_contracts,
        leveraged_fund_spread_contracts,
        other_reportable_long_contracts,
        other_reportable_short_contracts,
        other_reportable_spread_contracts,
        nonreportable_long_contracts,
        nonreportable_short_contracts,
        reportable_trader_count,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
