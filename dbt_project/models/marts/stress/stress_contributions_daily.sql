{# Step 5 for the stress index: points of each pillar. #}
with contributions as (
    select * from {{ ref("int_index_contributions") }}
    where variant = 'cmsi'
),

final as (
    select
        date,
        pillar,
        points
    from contributions
)

select * from final
