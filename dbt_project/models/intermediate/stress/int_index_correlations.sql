{{ config(materialized="table") }}

{#
    Step 3 by day. How two pillars move together depends on no third, so variants that drop or reweigh pillars share the
    correlations of their panel and decay.
#}
with scores as (
    select * from {{ ref("int_index_pillars") }}
),

calendar as (
    select * from {{ ref("int_index_calendar") }}
),

weights as (
    select * from {{ ref("int_index_weights") }}
),

pillars as (
    select distinct panel, pillar, position from weights
),

decays as (
    select distinct panel, ewma_decay from weights
),

final as (
    {{ index_correlations("scores", "pillars", "decays", "calendar", "date") }}
)

select * from final
