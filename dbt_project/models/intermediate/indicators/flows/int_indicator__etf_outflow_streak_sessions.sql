{# F3: consecutive sessions with a net outflow up to this one; a session with an inflow has none, which is zero. #}
with streaks as (
    select * from {{ ref("int_etf_flow_streaks") }}
),

final as (
    select
        session_date as observed_date,
        asset as scope,
        case when net_flow_usd is not null then outflow_streak_sessions end as value,
        streak_known_at as available_at
    from streaks
)

select * from final
