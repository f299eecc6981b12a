{# What one holds for a day costs the sum of its settlements, however often they fall due. #}
with funding as (
    select * from {{ ref("int_venue_funding_rates") }}
),

final as (
    select
        date,
        venue,
        asset,
        symbol,
        1e4 * sum(funding_rate) as funding_day_bp,
        1e4 * 8.0 * sum(funding_rate) / nullif(sum(interval_hours), 0) as funding_8h_bp,
        100.0 * 1095 * 8.0 * sum(funding_rate) / nullif(sum(interval_hours), 0) as funding_annualised_pct,
        cast(count(*) as bigint) as settlement_count,
        cast(sum(interval_hours) as bigint) as covered_hours,
        max(available_at) as available_at
    from funding
    group by date, venue, asset, symbol
)

select * from final
