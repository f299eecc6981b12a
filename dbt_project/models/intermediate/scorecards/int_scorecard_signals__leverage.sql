{# R3: the first day on which the leverage of the market was known to be cleared. #}
with states as (
    select * from {{ ref("fct_leverage_states_daily") }}
    where scope = 'market'
),

ordered as (
    select
        *,
        lag(state) over (order by date) as previous_state
    from states
    where state is not null
),

final as (
    select
        'R3' as rule,
        'cleared' as variant,
        date,
        state = 'CLEARED' and previous_state <> 'CLEARED' as is_signal,
        state <> 'CLEARED' as is_in_population
    from ordered
    where previous_state is not null
)

select * from final
