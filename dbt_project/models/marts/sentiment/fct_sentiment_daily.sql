with fear_greed as (
    select * from {{ ref("stg_alternative_me__fear_greed") }}
),

final as (
    select
        date,
        cast(fear_greed_index as integer) as fear_greed_index,
        classification,
        available_at
    from fear_greed
)

select * from final
