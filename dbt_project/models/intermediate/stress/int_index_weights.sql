{{ config(materialized="table") }}

{#
    The weight of each pillar in each variant, adding up to one. `pillars` takes the declared weights; `inputs` gives every
    registered input the same weight, which makes a pillar weigh as much as it has inputs. A dropped pillar leaves its
    weight to the others.
#}
with variants as (
    select * from {{ ref("index_variants") }}
),

pillars as (
    select * from {{ ref("pillars") }}
),

register as (
    select * from {{ ref("int_index_register") }}
),

input_weights as (
    select
        pillar,
        {{ exact_sum("weight") }} as weight
    from register
    group by pillar
),

chosen as (
    select
        variants.variant,
        variants.index_name || '_' || variants.rank_window as panel,
        variants.ewma_decay,
        pillars.pillar,
        pillars.position,
        case variants.weighting when 'inputs' then input_weights.weight else pillars.weight end as weight
    from variants
    inner join pillars on variants.index_name = pillars.index_name
    inner join input_weights on pillars.pillar = input_weights.pillar
    where variants.dropped_pillar is null or variants.dropped_pillar <> pillars.pillar
),

final as (
    select
        variant,
        panel,
        ewma_decay,
        pillar,
        position,
        weight / {{ exact_sum("weight", over="partition by variant") }} as weight
    from chosen
)

select * from final
