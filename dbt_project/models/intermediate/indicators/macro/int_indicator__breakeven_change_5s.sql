{# M8: rise of the inflation priced into five-year Treasuries over five sessions, in basis points. #}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'T5YIE'
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
        100.0 * (value - earlier_value) as value,
        available_at
    from windows
)

select * from final
