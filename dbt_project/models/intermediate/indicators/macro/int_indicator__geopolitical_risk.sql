{# M7: the daily geopolitical risk index as published. #}
with series as (
    select * from {{ ref("stg_gpr__geopolitical_risk") }}
),

final as (
    select
        date as observed_date,
        'market' as scope,
        geopolitical_risk_index as value,
        available_at
    from series
)

select * from final
