{#
    M8: rise of WTI crude over five sessions, in per cent (log). A price that is not above zero, as in April 2020, has
    none.
#}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'DCOILWTICO'
),

windows as (
    select
        date,
        value,
        lag(value, 5) over (order by observation_number) as earlier_value,
        available_at
    from series
),

final as (
    select
        date as observed_date,
        'market' as scope,
        case when value > 0 and earlier_value > 0 then 100.0 * ln(value / earlier_value) end as value,
        available_at
    from windows
)

select * from final
