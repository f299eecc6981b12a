{# Step 1 for the stress index: every observation with its rank. #}
with observations as (
    select * from {{ ref("int_index_observations") }}
    where panel = 'cmsi_rolling'
),

final as (
    select
        usable_date,
        observed_date,
        indicator,
        pillar,
        value,
        z,
        z_mid,
        window_count,
        available_at
    from observations
)

select * from final
