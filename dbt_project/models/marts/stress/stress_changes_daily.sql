{#
    Step 5: the exact day-on-day change between two consecutive printed days, in terms that add up to it.

    With x and C of the pillars usable on both days, mid-points written with a bar and k = 100 / (sqrt(Q1) + sqrt(Q0)):
        level_i  = 2 k dx_i (C_bar x_bar)_i          what the pillar's own rise or fall did
        corr_ij  = k (x_i0 x_j0 + x_i1 x_j1) dC_ij   what the pair's co-movement did (both halves of the pair)
    `composition` without a pillar is what pillars entering or leaving did; `composition` of a pillar is what inputs
    entering or leaving that pillar did: the level term split by the score over the inputs fresh on both days, so that a
    vanished input never passes for calm.
#}
with exposures as (
    select * from {{ ref("int_stress_exposures") }}
),

prints as (
    select * from {{ ref("int_stress_prints") }}
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
),

indicators as (
    select * from {{ ref("stress_indicators_daily") }}
),

-- Pillars usable on a printed day and on the printed day before, with the weights shared out among just these.
common as (
    select
        today.date,
        today.pillar,
        yesterday.score as score_0,
        today.score as score_1,
        today.weight / sum(today.weight) over (partition by today.date) as share
    from exposures as today
    inner join exposures as yesterday
        on today.pillar = yesterday.pillar and yesterday.date = {{ days_before("today.date", 1) }}
),

common_correlations as (
    select
        one.date,
        one.pillar as pillar_i,
        two.pillar as pillar_j,
        one.share * one.score_0 as x_i0,
        one.share * one.score_1 as x_i1,
        two.share * two.score_0 as x_j0,
        two.share * two.score_1 as x_j1,
        c0.rho as rho_0,
        c1.rho as rho_1
    from common as one
    inner join common as two on one.date = two.date
    inner join correlations as c1
        on one.date = c1.date and one.pillar = c1.pillar_i and two.pillar = c1.pillar_j
    inner join correlations as c0
        on c0.date = {{ days_before("one.date", 1) }} and one.pillar = c0.pillar_i and two.pillar = c0.pillar_j
),

totals as (
    select
        date,
        sqrt(greatest(sum(x_i0 * rho_0 * x_j0), 0.0)) as root_0,
        sqrt(greatest(sum(x_i1 * rho_1 * x_j1), 0.0)) as root_1
    from common_correlations
    group by date
),

scaled as (
    select
        *,
        case when root_0 + root_1 > 0 then 100.0 / (root_0 + root_1) else 0.0 end as scale
    from totals
),

marginals as (
    select
        date,
        pillar_i as pillar,
        sum((rho_0 + rho_1) / 2 * (x_j0 + x_j1) / 2) as mid_marginal
    from common_correlations
    group by date, pillar_i
),

-- The scores over the inputs fresh on both days; none in common makes the whole move one of composition.
common_inputs as (
    select
        today.date,
        today.pillar,
        sum(today.weight * yesterday.z) / sum(today.weight) as score_0,
        sum(today.weight * today.z) / sum(today.weight) as score_1
    from indicators as today
    inner join indicators as yesterday
        on today.indicator = yesterday.indicator and yesterday.date = {{ days_before("today.date", 1) }}
    where today.is_fresh and yesterday.is_fresh
    group by today.date, today.pillar
),

moves as (
    select
        common.date,
        common.pillar,
        2.0 * scaled.scale * marginals.mid_marginal * common.share as points_per_score,
        common.score_1 - common.score_0 as score_change,
        coalesce(common_inputs.score_1 - common_inputs.score_0, 0.0) as common_input_change
    from common
    inner join scaled on common.date = scaled.date
    inner join marginals on common.date = marginals.date and common.pillar = marginals.pillar
    left join common_inputs on common.date = common_inputs.date and common.pillar = common_inputs.pillar
),

levels as (
    select
        date,
        'level' as term,
        pillar as pillar_i,
        '' as pillar_j,
        points_per_score * common_input_change as points
    from moves
),

input_compositions as (
    select
        date,
        'composition' as term,
        pillar as pillar_i,
        '' as pillar_j,
        points_per_score * (score_change - common_input_change) as points
    from moves
    where abs(score_change - common_input_change) > 1e-14
),

pairs as (
    select
        common_correlations.date,
        'correlation' as term,
        common_correlations.pillar_i,
        common_correlations.pillar_j,
        scaled.scale
        * (common_correlations.x_i0 * common_correlations.x_j0 + common_correlations.x_i1 * common_correlations.x_j1)
        * (common_correlations.rho_1 - common_correlations.rho_0) as points
    from common_correlations
    inner join scaled on common_correlations.date = scaled.date
    inner join {{ ref("pillars") }} as one on common_correlations.pillar_i = one.pillar
    inner join {{ ref("pillars") }} as two on common_correlations.pillar_j = two.pillar
    where one.position < two.position
),

pillar_compositions as (
    select
        today.date,
        'composition' as term,
        '' as pillar_i,
        '' as pillar_j,
        (today.cmsi - 100.0 * coalesce(scaled.root_1, 0.0)) - (yesterday.cmsi - 100.0 * coalesce(scaled.root_0, 0.0)) as points
    from prints as today
    inner join prints as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
    left join scaled on today.date = scaled.date
),

final as (
    select * from levels
    union all
    select * from input_compositions
    union all
    select * from pairs
    union all
    select * from pillar_compositions
)

select * from final
