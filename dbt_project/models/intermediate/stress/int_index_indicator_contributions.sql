{# Step 5: a pillar's points go to its fresh inputs in proportion to their weighted ranks. #}
with contributions as (
    select * from {{ ref("int_index_contributions") }}
),

weights as (
    select * from {{ ref("int_index_weights") }}
),

inputs as (
    select * from {{ ref("int_index_inputs") }}
    where is_fresh
),

shares as (
    select
        panel,
        date,
        pillar,
        indicator,
        weight * z as weighted_rank,
        {{ exact_sum("weight * z", over="partition by panel, date, pillar") }} as pillar_weighted_rank
    from inputs
),

final as (
    select
        contributions.variant,
        contributions.date,
        contributions.pillar,
        shares.indicator,
        case
            when shares.pillar_weighted_rank > 0 then contributions.points * shares.weighted_rank / shares.pillar_weighted_rank
            else 0.0
        end as points
    from contributions
    inner join weights on contributions.variant = weights.variant and contributions.pillar = weights.pillar
    inner join shares
        on
            weights.panel = shares.panel
            and contributions.date = shares.date
            and contributions.pillar = shares.pillar
)

select * from final
