{# Step 5 for the stress index: points of each input. #}
with indicator_contributions as (
    select * from {{ ref("int_index_indicator_contributions") }}
    where variant = 'cmsi'
),

final as (
    select
        date,
        pillar,
        indicator,
        points
    from indicator_contributions
)

select * from final
