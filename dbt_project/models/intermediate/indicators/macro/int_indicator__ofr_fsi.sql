{# M5: the OFR Financial Stress Index as published. A baseline: inside the index it would count the same stress twice. #}
with series as (
    select * from {{ ref("stg_ofr__financial_stress") }}
),

final as (
    select
        date as observed_date,
        'market' as scope,
        financial_stress_index as value,
        available_at
    from series
)

select * from final
