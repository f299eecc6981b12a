{# Every day a rule can speak about: whether it gave its signal, and whether the day may stand in for one that did not. #}
with etf_flows as (
    select * from {{ ref("int_scorecard_signals__etf_flows") }}
),

accumulation as (
    select * from {{ ref("int_scorecard_signals__accumulation") }}
),

leverage as (
    select * from {{ ref("int_scorecard_signals__leverage") }}
),

fear_funding as (
    select * from {{ ref("int_scorecard_signals__fear_funding") }}
),

final as (
    select rule, variant, date, is_signal, is_in_population from etf_flows
    union all
    select rule, variant, date, is_signal, is_in_population from accumulation
    union all
    select rule, variant, date, is_signal, is_in_population from leverage
    union all
    select rule, variant, date, is_signal, is_in_population from fear_funding
)

select * from final
