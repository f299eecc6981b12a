{# Step 3 for the stress index: correlations of the pillars at its decay. #}
with variants as (
    select distinct panel, ewma_decay from {{ ref("int_index_weights") }}
    where variant = 'cmsi'
),

correlations as (
    select * from {{ ref("int_index_correlations") }}
),

final as (
    select
        correlations.date,
        correlations.pillar_i,
        correlations.pillar_j,
        correlations.rho
    from correlations
    inner join variants on correlations.panel = variants.panel and correlations.ewma_decay = variants.ewma_decay
)

select * from final
