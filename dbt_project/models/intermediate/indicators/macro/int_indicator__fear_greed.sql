{# N1: the fear and greed index as published, 0 extreme fear. A baseline: it is a composite itself. #}
with series as (
    select * from {{ ref("stg_alternative_me__fear_greed") }}
),

final as (
    select
        date as observed_date,
        'market' as scope,
        fear_greed_index as value,
        available_at
    from series
)

select * from final
