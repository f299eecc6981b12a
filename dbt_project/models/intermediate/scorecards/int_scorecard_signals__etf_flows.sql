{# R1: the first day of each outflow episode of the Bitcoin funds on which flows were known to have stabilised or reversed. #}
with states as (
    select * from {{ ref("fct_etf_flow_states_daily") }}
    where asset = 'btc'
),

variants as (
    select * from {{ ref("rule_variants") }}
    where rule = 'R1'
),

ordered as (
    select
        *,
        lag(state) over (order by date) as previous_state
    from states
),

-- The days before a reversal belong to the episode, the day itself may not: it is the change of state that counts.
numbered as (
    select
        *,
        sum(case when state = 'outflow' and previous_state not in ('outflow', 'stabilised') then 1 else 0 end) over (
            order by date rows between unbounded preceding and current row
        ) as episode_number
    from ordered
),

signals as (
    select
        state as variant,
        episode_number,
        min(date) as date
    from numbered
    where state in ('stabilised', 'reversed') and episode_number > 0
    group by state, episode_number
),

final as (
    select
        variants.rule,
        variants.variant,
        states.date,
        signals.date is not null as is_signal,
        states.state = 'outflow' as is_in_population
    from states
    cross join variants
    left join signals on variants.variant = signals.variant and states.date = signals.date
    where states.state <> 'unknown'
)

select * from final
