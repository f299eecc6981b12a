with source as (
    {{ latest_vintage(source("raw", "cftc__legacy_futures"), ["contract_code", "report_date"]) }}
),

renamed as (
    select
        contract_code,
        report_date,
        asset,
        market_name,
        contract_units,
        open_interest_contracts,
        noncommercial_long_contracts,
        noncommercial_short_contracts,
        noncommercial_spread_contracts,
        commercial_long_contracts,
        commercial_short_contracts,
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
