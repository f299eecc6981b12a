{# Step 5 for the stress index: the terms of each day's change. #}
with changes as (
    select * from {{ ref("int_index_changes") }}
    where variant = 'cmsi'
),

final as (
    select
        date,
        term,
        pillar_i,
        pillar_j,
        points
    from changes
)

select * from final
