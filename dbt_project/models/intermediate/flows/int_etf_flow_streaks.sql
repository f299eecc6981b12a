{#
    Streaks of sessions with an outflow. A session without a complete figure breaks nothing: the streak before it stands
    and goes on behind it. A streak is known once the last of its sessions is.
#}
with sessions as (
    select * from {{ ref("int_etf_flow_sessions") }}
),

directions as (
    select
        *,
        sum(case when net_flow_usd >= 0 then 1 else 0 end) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as inflow_count
    from sessions
),

final as (
    select
        *,
        sum(case when net_flow_usd < 0 then 1 else 0 end) over in_streak as outflow_streak_sessions,
        sum(case when net_flow_usd < 0 then net_flow_usd else 0 end) over in_streak as outflow_streak_usd,
        max(available_at) over in_streak as streak_known_at,
        max(greatest(available_at, valued_at)) over in_streak as streak_valued_at
    from directions
    window in_streak as (
        partition by asset, inflow_count order by session_number rows between unbounded preceding and current row
    )
)

select * from final
