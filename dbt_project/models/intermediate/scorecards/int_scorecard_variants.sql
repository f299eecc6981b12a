{#
    The print recomputed without one pillar: the weights are shared out among the others, the correlations stay. On every
    day on which the index itself prints, however few pillars are left, so that both speak about the same days;
    index_sensitivities_daily asks for as much coverage as the index and is equal where it prints.
#}
with prints as (
    select * from {{ ref("stress_index_daily") }}
    where cmsi is not null
),

scores as (
    select * from {{ ref("stress_pillars_daily") }}
    where is_usable
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
),

pillars as (
    select * from {{ ref("pillars") }}
    where index_name = 'cmsi'
),

remaining as (
    select
        dropped.pillar as without_pillar,
        scores.date,
        scores.pillar,
        pillars.weight * scores.score
        / sum(pillars.weight) over (partition by dropped.pillar, scores.date) as exposure
    from scores
    inner join prints on scores.date = prints.date
    inner join pillars on scores.pillar = pillars.pillar
    inner join pillars as dropped on scores.pillar <> dropped.pillar
),

final as (
    select
        one.without_pillar,
        one.date,
        100.0 * sqrt(greatest(sum(one.exposure * correlations.rho * two.exposure), 0.0)) as value
    from remaining as one
    inner join remaining as two on one.without_pillar = two.without_pillar and one.date = two.date
    inner join correlations
        on one.date = correlations.date and one.pillar = correlations.pillar_i and two.pillar = correlations.pillar_j
    group by one.without_pillar, one.date
)

select * from final
