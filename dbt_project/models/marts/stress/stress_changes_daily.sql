{#
    Step 5: the exact day-on-day change between two consecutive printed days, in terms that add up to it. The macro holds
    the formulas; here the earlier state is the day before, under the date of the later.
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
    where is_fresh
),

state_values as (
    select
        today.date,
        yesterday.cmsi as cmsi_0,
        today.cmsi as cmsi_1
    from prints as today
    inner join prints as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
),

exposures_0 as (
    select {{ days_before("date", -1) }} as date, pillar, score, weight from exposures
),

exposures_1 as (
    select date, pillar, score, weight from exposures
),

correlations_0 as (
    select {{ days_before("date", -1) }} as date, pillar_i, pillar_j, rho from correlations
),

correlations_1 as (
    select date, pillar_i, pillar_j, rho from correlations
),

inputs_0 as (
    select {{ days_before("date", -1) }} as date, pillar, indicator, weight, z from indicators
),

inputs_1 as (
    select date, pillar, indicator, weight, z from indicators
),

{{ change_terms() }},

final as (
    select date, term, pillar_i, pillar_j, points from terms
)

select * from final
