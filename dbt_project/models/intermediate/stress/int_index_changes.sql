{#
    Step 5: the exact change of a headline index between two consecutive printed days, in terms that add up to it.

    With x and C of the pillars usable on both days, mid-points written with a bar and k = 100 / (sqrt(Q1) + sqrt(Q0)):
        level_i  = 2 k dx_i (C_bar x_bar)_i          what the pillar's own rise or fall did
        corr_ij  = k (x_i0 x_j0 + x_i1 x_j1) dC_ij   what the pair's co-movement did (both halves of the pair)
    `composition` without a pillar is what pillars entering or leaving did; `composition` of a pillar is what inputs
    entering or leaving that pillar did: the level term split by the score over the inputs fresh on both days, so that a
    vanished input never passes for calm.
#}
with variants as (
    select * from {{ ref("index_variants") }}
    where is_headline
),

weights as (
    select weights.*
    from {{ ref("int_index_weights") }} as weights
    inner join variants on weights.variant = variants.variant
),

panels as (
    select distinct variant, panel, ewma_decay from weights
),

exposures as (
    select * from {{ ref("int_index_exposures") }}
),

prints as (
    select prints.*
    from {{ ref("int_index_prints") }} as prints
    inner join variants on prints.variant = variants.variant
),

correlations as (
    select
        panels.variant,
        correlations.date,
        correlations.pillar_i,
        correlations.pillar_j,
        correlations.rho
    from {{ ref("int_index_correlations") }} as correlations
    inner join panels on correlations.panel = panels.panel and correlations.ewma_decay = panels.ewma_decay
),

inputs as (
    select
        panels.variant,
        inputs.date,
        inputs.indicator,
        inputs.pillar,
        inputs.weight,
        inputs.z
    from {{ ref("int_index_inputs") }} as inputs
    inner join panels on inputs.panel = panels.panel
    where inputs.is_fresh
),

-- Pillars usable on a printed day and on the printed day before, with the weights shared out among just these.
common as (
    select
        today.variant,
        today.date,
        today.pillar,
        weights.position,
        yesterday.score as score_0,
        today.score as score_1,
        today.weight / sum(today.weight) over (partition by today.variant, today.date) as share
    from exposures as today
    inner join exposures as yesterday
        on
            today.variant = yesterday.variant
            and today.pillar = yesterday.pillar
            and yesterday.date = {{ days_before("today.date", 1) }}
    inner join weights on today.variant = weights.variant and today.pillar = weights.pillar
),

common_correlations as (
    select
        one.variant,
        one.date,
        one.pillar as pillar_i,
        two.pillar as pillar_j,
        one.position < two.position as is_upper,
        one.share * one.score_0 as x_i0,
        one.share * one.score_1 as x_i1,
        two.share * two.score_0 as x_j0,
        two.share * two.score_1 as x_j1,
        c0.rho as rho_0,
        c1.rho as rho_1
    from common as one
    inner join common as two on one.variant = two.variant and one.date = two.date
    inner join correlations as c1
        on
            one.variant = c1.variant
            and one.date = c1.date
            and one.pillar = c1.pillar_i
            and two.pillar = c1.pillar_j
    inner join correlations as c0
        on
            one.variant = c0.variant
            and c0.date = {{ days_before("one.date", 1) }}
            and one.pillar = c0.pillar_i
            and two.pillar = c0.pillar_j
),

totals as (
    select
        variant,
        date,
        sqrt(greatest(sum(x_i0 * rho_0 * x_j0), 0.0)) as root_0,
        sqrt(greatest(sum(x_i1 * rho_1 * x_j1), 0.0)) as root_1
    from common_correlations
    group by variant, date
),

scaled as (
    select
        *,
        case when root_0 + root_1 > 0 then 100.0 / (root_0 + root_1) else 0.0 end as scale
    from totals
),

marginals as (
    select
        variant,
        date,
        pillar_i as pillar,
        sum((rho_0 + rho_1) / 2 * (x_j0 + x_j1) / 2) as mid_marginal
    from common_correlations
    group by variant, date, pillar_i
),

-- The scores over the inputs fresh on both days; none in common makes the whole move one of composition.
common_inputs as (
    select
        today.variant,
        today.date,
        today.pillar,
        sum(today.weight * yesterday.z) / sum(today.weight) as score_0,
        sum(today.weight * today.z) / sum(today.weight) as score_1
    from inputs as today
    inner join inputs as yesterday
        on
            today.variant = yesterday.variant
            and today.indicator = yesterday.indicator
            and yesterday.date = {{ days_before("today.date", 1) }}
    group by today.variant, today.date, today.pillar
),

moves as (
    select
        common.variant,
        common.date,
        common.pillar,
        2.0 * scaled.scale * marginals.mid_marginal * common.share as points_per_score,
        common.score_1 - common.score_0 as score_change,
        coalesce(common_inputs.score_1 - common_inputs.score_0, 0.0) as common_input_change
    from common
    inner join scaled on common.variant = scaled.variant and common.date = scaled.date
    inner join marginals
        on
            common.variant = marginals.variant
            and common.date = marginals.date
            and common.pillar = marginals.pillar
    left join common_inputs
        on
            common.variant = common_inputs.variant
            and common.date = common_inputs.date
            and common.pillar = common_inputs.pillar
),

levels as (
    select
        variant,
        date,
        'level' as term,
        pillar as pillar_i,
        '' as pillar_j,
        points_per_score * common_input_change as points
    from moves
),

input_compositions as (
    select
        variant,
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
        common_correlations.variant,
        common_correlations.date,
        'correlation' as term,
        common_correlations.pillar_i,
        common_correlations.pillar_j,
        scaled.scale
        * (common_correlations.x_i0 * common_correlations.x_j0 + common_correlations.x_i1 * common_correlations.x_j1)
        * (common_correlations.rho_1 - common_correlations.rho_0) as points
    from common_correlations
    inner join scaled on common_correlations.variant = scaled.variant and common_correlations.date = scaled.date
    where common_correlations.is_upper
),

pillar_compositions as (
    select
        today.variant,
        today.date,
        'composition' as term,
        '' as pillar_i,
        '' as pillar_j,
        (today.value - 100.0 * coalesce(scaled.root_1, 0.0)) - (yesterday.value - 100.0 * coalesce(scaled.root_0, 0.0))
            as points
    from prints as today
    inner join prints as yesterday
        on today.variant = yesterday.variant and yesterday.date = {{ days_before("today.date", 1) }}
    left join scaled on today.variant = scaled.variant and today.date = scaled.date
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
