{#
    Why a day is now computed otherwise than it was first printed, in terms that add up to the difference: the same
    formulas as between two days, between two states of one day. Days that come out as printed have no rows, and neither
    has a day that can no longer be computed, which cmsi_latest shows.
#}
with latest as (
    select * from {{ ref("cmsi_latest") }}
),

print_pillars as (
    select * from {{ ref("stress_print_pillars") }}
    where is_usable
),

print_correlations as (
    select * from {{ ref("stress_print_correlations") }}
),

print_indicators as (
    select * from {{ ref("stress_print_indicators") }}
    where is_fresh
),

scores as (
    select * from {{ ref("stress_pillars_daily") }}
    where is_usable
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
),

indicators as (
    select * from {{ ref("stress_indicators_daily") }}
    where is_fresh
),

pillars as (
    select * from {{ ref("pillars") }}
),

state_values as (
    select
        date,
        first_cmsi as cmsi_0,
        cmsi as cmsi_1
    from latest
    where is_restated and cmsi is not null and first_cmsi is not null
),

exposures_0 as (
    select
        print_pillars.date,
        print_pillars.pillar,
        print_pillars.score,
        print_pillars.weight
    from print_pillars
    inner join state_values on print_pillars.date = state_values.date
),

exposures_1 as (
    select
        scores.date,
        scores.pillar,
        scores.score,
        pillars.weight
    from scores
    inner join state_values on scores.date = state_values.date
    inner join pillars on scores.pillar = pillars.pillar
),

printed_pairs as (
    select date, pillar_i, pillar_j, rho from print_correlations
    union all
    select date, pillar_j as pillar_i, pillar_i as pillar_j, rho from print_correlations
    union all
    select date, pillar as pillar_i, pillar as pillar_j, 1.0 as rho from print_pillars
),

correlations_0 as (
    select
        printed_pairs.date,
        printed_pairs.pillar_i,
        printed_pairs.pillar_j,
        printed_pairs.rho
    from printed_pairs
    inner join state_values on printed_pairs.date = state_values.date
),

correlations_1 as (
    select
        correlations.date,
        correlations.pillar_i,
        correlations.pillar_j,
        correlations.rho
    from correlations
    inner join state_values on correlations.date = state_values.date
),

inputs_0 as (
    select
        print_indicators.date,
        print_indicators.pillar,
        print_indicators.indicator,
        print_indicators.weight,
        print_indicators.z
    from print_indicators
    inner join state_values on print_indicators.date = state_values.date
),

inputs_1 as (
    select
        indicators.date,
        indicators.pillar,
        indicators.indicator,
        indicators.weight,
        indicators.z
    from indicators
    inner join state_values on indicators.date = state_values.date
),

{{ change_terms() }},

final as (
    select date, term, pillar_i, pillar_j, points from terms
)

select * from final
