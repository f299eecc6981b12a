{# V6: per cent a day of the fall from the highest close of 90 days to the lowest since; zero where none followed. #}
with falls as (
    select * from {{ ref("int_falls_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        fall_pct_per_day as value,
        available_at
    from falls
)

select * from final
