{# M1: the CBOE volatility index as published. #}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'VIXCLS'
),

final as (
    select
        date as observed_date,
        value,
        available_at
    from series
)

select * from final
