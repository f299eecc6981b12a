with funding as (
    select * from {{ ref("int_funding_rates") }}
),

final as (
    select
        settled_at,
        date,
        asset,
        symbol,
        cast(interval_hours as integer) as interval_hours,
        1e4 * funding_rate as funding_rate_bp,
        1e4 * funding_8h_ratio as funding_8h_bp,
        100.0 * 1095 * funding_8h_ratio as funding_annualised_pct,
        funding_source,
        available_at
    from funding
)

select * from final
