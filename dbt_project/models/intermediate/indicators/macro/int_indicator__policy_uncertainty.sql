{# M7: the daily index of economic policy uncertainty in the United States as published. #}
with series as (
    select * from {{ ref("stg_epu__policy_uncertainty") }}
),

final as (
    select
        date as observed_date,
        'market' as scope,
        policy_uncertainty_index as value,
        available_at
    from series
)

select * from final
