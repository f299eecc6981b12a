{# V6: days since the highest close of 90 days; zero on the day of a new high. #}
with falls as (
    select * from {{ ref("int_falls_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        days_since_peak as value,
        available_at
    from falls
)

select * from final
