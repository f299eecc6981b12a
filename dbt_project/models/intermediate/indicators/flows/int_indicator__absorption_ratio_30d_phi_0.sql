{# F11 with nothing of the stablecoins' growth counted as demand: the low end of the sensitivity. #}
with parts as (
    select * from {{ ref("int_absorption_30d") }}
),

final as (
    select
        date as observed_date,
        'btc' as scope,
        direct_demand_usd / nullif(supply_usd, 0) as value,
        available_at
    from parts
)

select * from final
