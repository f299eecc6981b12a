{# S1, companion: shortfall of each coin at its worst venue. Twenty hours of the day must have a price in dollars. #}
with periods as (
    select * from {{ ref("int_stablecoin_deviations") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        periods.date as observed_date,
        periods.symbol as scope,
        case when count(periods.worst_bp) >= 20 then max(periods.worst_bp) end as value,
        max(case when periods.worst_bp is not null then periods.venues_available_at end) as available_at
    from periods
    inner join market on periods.date <= market.last_closed_date
    where periods.venue_count > 0
    group by periods.date, periods.symbol
)

select * from final
