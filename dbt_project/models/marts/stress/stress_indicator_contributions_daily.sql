{# Step 5: a pillar's points go to its fresh inputs in proportion to their weighted ranks. #}
with contributions as (
    select * from {{ ref("stress_contributions_daily") }}
),

indicators as (
    select * from {{ ref("stress_indicators_daily") }}
    where is_fresh
),

shares as (
    select
        date,
        pillar,
        indicator,
        weight * z as weighted_rank,
        sum(weight * z) over (partition by date, pillar) as pillar_weighted_rank
    from indicators
),

final as (
    select
        contributions.date,
        contributions.pillar,
        shares.indicator,
        case
            when shares.pillar_weighted_rank > 0 then contributions.points * shares.weighted_rank / shares.pillar_weighted_rank
            else 0.0
        end as points
    from contributions
    inner join shares on contributions.date = shares.date and contributions.pillar = shares.pillar
)

select * from final
