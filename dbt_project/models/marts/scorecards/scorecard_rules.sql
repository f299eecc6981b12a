{# The rules of thumb, held against matched days. Unproven until enough signals, the interval and chance say otherwise. #}
with evaluated as (
    select * from {{ ref("int_scorecard_rules") }}
),

rules as (
    select * from {{ ref("rules") }}
),

variants as (
    select * from {{ ref("rule_variants") }}
),

outcomes as (
    select * from {{ ref("rule_outcomes") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        evaluated.rule,
        evaluated.variant,
        evaluated.outcome,
        evaluated.horizon_days,
        rules.claim,
        rules.signal || '; ' || variants.definition as signal_definition,
        rules.population as population_definition,
        rules.matched_on,
        outcomes.definition as outcome_definition,
        evaluated.expected_sign,
        variants.is_primary as is_primary_variant,
        evaluated.is_primary_outcome,
        evaluated.signal_count,
        evaluated.episode_count,
        evaluated.widened_count,
        evaluated.signal_mean,
        evaluated.matched_mean,
        evaluated.effect,
        evaluated.effect_low,
        evaluated.effect_high,
        evaluated.signal_mean / nullif(evaluated.matched_mean, 0) as ratio,
        evaluated.p_value,
        evaluated.p_value_holm,
        evaluated.verdict,
        evaluated.verdict = 'supported' and variants.is_primary and evaluated.is_primary_outcome as is_decision_useful,
        case
            when evaluated.signal_count = 0 then 'Unproven: no signal in the data.'
            when evaluated.episode_count = 0 then 'Unproven: no signal has both this outcome and days to match.'
            when evaluated.verdict = 'unproven'
                then 'Unproven at ' || evaluated.episode_count || ' signals.'
            when evaluated.verdict = 'supported'
                then 'Supported at ' || evaluated.episode_count || ' signals.'
            else 'Contradicted at ' || evaluated.episode_count || ' signals: the opposite came.'
        end as wording,
        market.market,
        market.last_closed_date as computed_on
    from evaluated
    inner join rules on evaluated.rule = rules.rule
    inner join variants on evaluated.rule = variants.rule and evaluated.variant = variants.variant
    inner join outcomes
        on
            evaluated.rule = outcomes.rule
            and evaluated.outcome = outcomes.outcome
            and evaluated.horizon_days = outcomes.horizon_days
    cross join market
)

select * from final
