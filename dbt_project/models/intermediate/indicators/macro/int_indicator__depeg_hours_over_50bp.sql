{#
    S1, companion: hours of the day in which a coin was more than 50 basis points short across the market. A coin that
    only the vendor prices, once a day, is short for 24 hours or none. An hour without a price leaves the day without
    a value.
#}
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
        case
            when count(*) = count(periods.market_bp) and sum(periods.period_hours) >= 20
                then sum(case when periods.market_bp > 50 then periods.period_hours else 0 end)
        end as value,
        max(periods.available_at) as available_at
    from periods
    inner join market on periods.date <= market.last_closed_date
    group by periods.date, periods.symbol
)

select * from final
