with source as (
    {{ latest_vintage(source("raw", "ofr__financial_stress"), ["observed_on"]) }}
),

renamed as (
    select
        observed_on as date,
        financial_stress_index,
        credit_stress_index,
        equity_valuation_stress_index,
        safe_assets_stress_index,
        funding_stress_index,
        volatility_stress_index,
        united_states_stress_index,
        other_advanced_economies_stress_index,
        emerging_markets_stress_index,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
