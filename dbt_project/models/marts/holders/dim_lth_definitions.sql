{# Every definition of long-term holder distribution, those that can not be computed included, with the reason. #}
with definitions as (
    select * from {{ ref("lth_definitions") }}
),

final as (
    select
        definition,
        kind,
        title,
        formula,
        cohort,
        source,
        status,
        reason
    from definitions
)

select * from final
