with source as (
    {{ latest_vintage(source("raw", "gpr__geopolitical_risk"), ["observed_on"]) }}
),

renamed as (
    select
        observed_on as date,
        geopolitical_risk_index,
        geopolitical_acts_index,
        geopolitical_threats_index,
        geopolitical_risk_7d_mean_index,
        geopolitical_risk_30d_mean_index,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
