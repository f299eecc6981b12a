{# M2: Moody's Baa corporate yield over the 10-year Treasury, in percentage points. #}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'BAA10Y'
),

final as (
    select
        date as observed_date,
        value,
        available_at
    from series
)

select * from final
