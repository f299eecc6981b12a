{# M4: rise of the two-year Treasury yield over five sessions, in basis points. #}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'DGS2'
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
        100.0 * (value - earlier_value) as value,
        available_at
    from windows
)

select * from final
