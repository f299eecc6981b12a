{# The ECB's daily Composite Indicator of Systemic Stress as published, by area. A baseline to compare with. #}
with series as (
    select * from {{ ref("stg_ecb__ciss") }}
),

final as (
    select
        date as observed_date,
        area as scope,
        ciss_index as value,
        available_at
    from series
)

select * from final
