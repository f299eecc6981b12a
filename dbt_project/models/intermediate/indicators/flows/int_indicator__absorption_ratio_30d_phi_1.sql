{# F11 with all of the stablecoins' growth counted as demand: the high end of the sensitivity. #}
with parts as (
    select * from {{ ref("int_absorption_30d") }}
),

final as (
    select
        date as observed_date,
        'btc' as scope,
        (direct_demand_usd + 1.0 * stable_growth_usd) / nullif(supply_usd, 0) as value,
        available_with_stable_at as available_at
    from parts
)

select * from final
