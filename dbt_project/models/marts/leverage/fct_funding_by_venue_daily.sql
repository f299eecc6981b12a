{#
    What one holds for a day costs the sum of its settlements, however often they fall due. Where the hours of one are not
    known, nothing is said per eight hours.
#}
with funding as (
    select * from {{ ref("int_venue_funding_rates") }}
),

days as (
    select
        date,
        venue,
        asset,
        symbol,
        sum(funding_rate) as funding_rate,
        count(*) as settlement_count,
        case when count(*) = count(interval_hours) then sum(interval_hours) end as covered_hours,
        max(available_at) as available_at
    from funding
    group by date, venue, asset, symbol
),

final as (
    select
        date,
        venue,
        asset,
        symbol,
        1e4 * funding_rate as funding_day_bp,
        1e4 * 8.0 * funding_rate / nullif(covered_hours, 0) as funding_8h_bp,
        100.0 * 1095 * 8.0 * funding_rate / nullif(covered_hours, 0) as funding_annualised_pct,
        cast(settlement_count as bigint) as settlement_count,
        cast(covered_hours as bigint) as covered_hours,
        available_at
    from days
)

select * from final
