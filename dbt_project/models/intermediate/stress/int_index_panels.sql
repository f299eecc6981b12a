{# What shares ranks and pillar scores: an index and a rank window. Variants that differ in neither share a panel. #}
with variants as (
    select * from {{ ref("index_variants") }}
),

final as (
    select distinct
        index_name || '_' || rank_window as panel,
        index_name,
        rank_window
    from variants
)

select * from final
