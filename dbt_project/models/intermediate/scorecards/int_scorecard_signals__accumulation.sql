{# R2: the first Sunday on which institutions were judged to be accumulating again. #}
with weeks as (
    select * from {{ ref("fct_institutional_accumulation_weekly") }}
),

ordered as (
    select
        *,
        lag(state) over (order by week_ended_on) as previous_state
    from weeks
),

final as (
    select
        'R2' as rule,
        'four_flags' as variant,
        week_ended_on as date,
        state = 'REACCUMULATING' and previous_state <> 'REACCUMULATING' as is_signal,
        state <> 'REACCUMULATING' as is_in_population
    from ordered
    where state <> 'UNDETERMINED' and previous_state is not null
)

select * from final
