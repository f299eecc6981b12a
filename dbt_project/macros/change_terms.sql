{#
    The exact difference between two states of the index (0 the earlier, 1 the later), in terms that add up to it.

    With x and C of the pillars usable in both states, mid-points written with a bar and k = 100 / (sqrt(Q1) + sqrt(Q0)):
        level_i  = 2 k dx_i (C_bar x_bar)_i          what the pillar's own rise or fall did
        corr_ij  = k (x_i0 x_j0 + x_i1 x_j1) dC_ij   what the pair's co-movement did (both halves of the pair)
    `composition` without a pillar is what pillars entering or leaving did; `composition` of a pillar is what inputs
    entering or leaving that pillar did: the level term split by the score over the inputs fresh in both states, so that a
    vanished input never passes for calm.

    Two days in a row are two states, and so are a day as first printed and as it is computed now. The macro reads CTEs
    of its model, each with the columns of `keys`, which name a pair of states:
        state_values      cmsi_0, cmsi_1
        exposures_0, _1   pillar, score, weight: the usable pillars
        correlations_0, _1  pillar_i, pillar_j, rho: both orders of each pair, and the diagonal
        inputs_0, _1      pillar, indicator, weight, z: the fresh inputs
    It yields CTEs, the last of them `terms`: keys, term, pillar_i, pillar_j, points.
#}
{% macro change_terms(keys=["date"]) -%}
{%- set k = keys | join(", ") -%}
-- Pillars usable in both states, with the weights shared out among just these.
common as (
    select
        {{ columns_of("later", keys) }},
        later.pillar,
        earlier.score as score_0,
        later.score as score_1,
        later.weight / {{ exact_sum("later.weight", over="partition by " ~ columns_of("later", keys)) }} as share
    from exposures_1 as later
    inner join exposures_0 as earlier on {{ same_keys("later", "earlier", keys) }} and later.pillar = earlier.pillar
),

common_correlations as (
    select
        {{ columns_of("one", keys) }},
        one.pillar as pillar_i,
        two.pillar as pillar_j,
        one.share * one.score_0 as x_i0,
        one.share * one.score_1 as x_i1,
        two.share * two.score_0 as x_j0,
        two.share * two.score_1 as x_j1,
        c0.rho as rho_0,
        c1.rho as rho_1
    from common as one
    inner join common as two on {{ same_keys("one", "two", keys) }}
    inner join correlations_1 as c1
        on {{ same_keys("one", "c1", keys) }} and one.pillar = c1.pillar_i and two.pillar = c1.pillar_j
    inner join correlations_0 as c0
        on {{ same_keys("one", "c0", keys) }} and one.pillar = c0.pillar_i and two.pillar = c0.pillar_j
),

totals as (
    select
        {{ k }},
        sqrt(greatest({{ exact_sum("x_i0 * rho_0 * x_j0") }}, 0.0)) as root_0,
        sqrt(greatest({{ exact_sum("x_i1 * rho_1 * x_j1") }}, 0.0)) as root_1
    from common_correlations
    group by {{ k }}
),

scaled as (
    select
        *,
        case when root_0 + root_1 > 0 then 100.0 / (root_0 + root_1) else 0.0 end as scale
    from totals
),

marginals as (
    select
        {{ k }},
        pillar_i as pillar,
        {{ exact_sum("(rho_0 + rho_1) / 2 * (x_j0 + x_j1) / 2") }} as mid_marginal
    from common_correlations
    group by {{ k }}, pillar_i
),

-- The scores over the inputs fresh in both states; none in common makes the whole move one of composition.
common_inputs as (
    select
        {{ columns_of("later", keys) }},
        later.pillar,
        {{ exact_sum("later.weight * earlier.z") }} / {{ exact_sum("later.weight") }} as score_0,
        {{ exact_sum("later.weight * later.z") }} / {{ exact_sum("later.weight") }} as score_1
    from inputs_1 as later
    inner join inputs_0 as earlier on {{ same_keys("later", "earlier", keys) }} and later.indicator = earlier.indicator
    group by {{ columns_of("later", keys) }}, later.pillar
),

moves as (
    select
        {{ columns_of("common", keys) }},
        common.pillar,
        2.0 * scaled.scale * marginals.mid_marginal * common.share as points_per_score,
        common.score_1 - common.score_0 as score_change,
        coalesce(common_inputs.score_1 - common_inputs.score_0, 0.0) as common_input_change
    from common
    inner join scaled on {{ same_keys("common", "scaled", keys) }}
    inner join marginals on {{ same_keys("common", "marginals", keys) }} and common.pillar = marginals.pillar
    left join common_inputs on {{ same_keys("common", "common_inputs", keys) }} and common.pillar = common_inputs.pillar
),

levels as (
    select
        {{ k }},
        'level' as term,
        pillar as pillar_i,
        '' as pillar_j,
        points_per_score * common_input_change as points
    from moves
),

input_compositions as (
    select
        {{ k }},
        'composition' as term,
        pillar as pillar_i,
        '' as pillar_j,
        points_per_score * (score_change - common_input_change) as points
    from moves
    where abs(score_change - common_input_change) > 1e-14
),

pairs as (
    select
        {{ columns_of("common_correlations", keys) }},
        'correlation' as term,
        common_correlations.pillar_i,
        common_correlations.pillar_j,
        scaled.scale
        * (common_correlations.x_i0 * common_correlations.x_j0 + common_correlations.x_i1 * common_correlations.x_j1)
        * (common_correlations.rho_1 - common_correlations.rho_0) as points
    from common_correlations
    inner join scaled on {{ same_keys("common_correlations", "scaled", keys) }}
    inner join {{ ref("pillars") }} as one on common_correlations.pillar_i = one.pillar
    inner join {{ ref("pillars") }} as two on common_correlations.pillar_j = two.pillar
    where one.position < two.position
),

pillar_compositions as (
    select
        {{ columns_of("state_values", keys) }},
        'composition' as term,
        '' as pillar_i,
        '' as pillar_j,
        (state_values.cmsi_1 - 100.0 * coalesce(scaled.root_1, 0.0))
        - (state_values.cmsi_0 - 100.0 * coalesce(scaled.root_0, 0.0)) as points
    from state_values
    left join scaled on {{ same_keys("state_values", "scaled", keys) }}
),

terms as (
    select * from levels
    union all
    select * from input_compositions
    union all
    select * from pairs
    union all
    select * from pillar_compositions
)
{%- endmacro %}

{% macro columns_of(relation, keys) -%}
    {%- for key in keys %}{{ relation }}.{{ key }}{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro %}

{% macro same_keys(one, two, keys) -%}
    {%- for key in keys %}{{ one }}.{{ key }} = {{ two }}.{{ key }}{{ " and " if not loop.last }}{% endfor -%}
{%- endmacro %}
