{# M3: rise of the broad dollar index over 20 sessions, in per cent (log). #}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'DTWEXBGS'
),

windows as (
    select
        date,
        value,
        lag(value, 20) over (order by observation_number) as earlier_value,
        available_at
    from series
),

final as (
    select
        date as observed_date,
        case when value > 0 and earlier_value > 0 then 100.0 * ln(value / earlier_value) end as value,
        available_at
    from windows
)

select * from final
