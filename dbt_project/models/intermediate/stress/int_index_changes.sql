{#
    Step 5: the exact change of a headline index between two consecutive printed days, in terms that add up to it. The macro
    holds the formulas; here the earlier state is the day before, under the date of the later.
#}
with weights as (
    select weights.*
    from {{ ref("int_index_weights") }} as weights
    inner join {{ ref("index_variants") }} as variants on weights.variant = variants.variant
    where variants.is_headline
),

headlines as (
    select distinct variant, panel, ewma_decay from weights
),

prints as (
    select * from {{ ref("int_index_prints") }}
),

state_values as (
    select
        today.variant,
        today.date,
        yesterday.value as cmsi_0,
        today.value as cmsi_1
    from prints as today
    inner join headlines on today.variant = headlines.variant
    inner join prints as yesterday
        on today.variant = yesterday.variant and yesterday.date = {{ days_before("today.date", 1) }}
),

exposures_1 as (
    select exposures.*
    from {{ ref("int_index_exposures") }} as exposures
    inner join headlines on exposures.variant = headlines.variant
),

exposures_0 as (
    select variant, {{ days_before("date", -1) }} as date, pillar, score, weight from exposures_1
),

correlations_1 as (
    select
        headlines.variant,
        correlations.date,
        correlations.pillar_i,
        correlations.pillar_j,
        correlations.rho
    from {{ ref("int_index_correlations") }} as correlations
    inner join headlines
        on correlations.panel = headlines.panel and correlations.ewma_decay = headlines.ewma_decay
),

correlations_0 as (
    select variant, {{ days_before("date", -1) }} as date, pillar_i, pillar_j, rho from correlations_1
),

inputs_1 as (
    select
        headlines.variant,
        inputs.date,
        inputs.pillar,
        inputs.indicator,
        inputs.weight,
        inputs.z
    from {{ ref("int_index_inputs") }} as inputs
    inner join headlines on inputs.panel = headlines.panel
    where inputs.is_fresh
),

inputs_0 as (
    select variant, {{ days_before("date", -1) }} as date, pillar, indicator, weight, z from inputs_1
),

{{ change_terms(keys=["variant", "date"]) }},

final as (
    select variant, date, term, pillar_i, pillar_j, points from terms
)

select * from final
