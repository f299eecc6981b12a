{#
    F11: countable demand for Bitcoin over countable supply, 30 days; three tenths of the stablecoins' growth count as
    demand.
#}
with parts as (
    select * from {{ ref("int_absorption_30d") }}
),

final as (
    select
        date as observed_date,
        'btc' as scope,
        (direct_demand_usd + 0.3 * stable_growth_usd) / nullif(supply_usd, 0) as value,
        available_with_stable_at as available_at
    from parts
)

select * from final
