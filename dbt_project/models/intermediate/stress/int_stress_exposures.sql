{{ config(materialized="table") }}

{#
    Step 4, the part that index, contributions and changes share: the weight share x of each usable pillar and its
    marginal (Cx). Only days with enough coverage to print are here.
#}
with scores as (
    select * from {{ ref("stress_pillars_daily") }}
    where is_usable
),

pillars as (
    select * from {{ ref("pillars") }}
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
),

weighted as (
    select
        scores.date,
        scores.pillar,
        scores.score,
        pillars.weight,
        sum(pillars.weight) over (partition by scores.date) as coverage
    from scores
    inner join pillars on scores.pillar = pillars.pillar
),

exposures as (
    select
        date,
        pillar,
        score,
        weight,
        coverage,
        weight * score / coverage as exposure
    from weighted
    where coverage >= 4.0 / 6.0 - 1e-12
),

final as (
    select
        one.date,
        one.pillar,
        one.score,
        one.weight,
        one.coverage,
        one.exposure,
        sum(correlations.rho * two.exposure) as marginal
    from exposures as one
    inner join exposures as two on one.date = two.date
    inner join correlations
        on one.date = correlations.date and one.pillar = correlations.pillar_i and two.pillar = correlations.pillar_j
    group by one.date, one.pillar, one.score, one.weight, one.coverage, one.exposure
)

select * from final
