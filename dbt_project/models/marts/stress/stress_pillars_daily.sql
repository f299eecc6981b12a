{# Step 2 for the stress index: the score of each pillar. #}
with pillars as (
    select * from {{ ref("int_index_pillars") }}
    where panel = 'cmsi_rolling'
),

final as (
    select
        date,
        pillar,
        score,
        mid_score,
        is_valid,
        is_usable,
        fresh_weight_ratio
    from pillars
)

select * from final
