{# F3: what left the funds over the streak of outflows, as a positive amount. #}
with streaks as (
    select * from {{ ref("int_etf_flow_streaks") }}
),

final as (
    select
        session_date as observed_date,
        asset as scope,
        case when net_flow_usd is not null then 0.0 - outflow_streak_usd end as value,
        streak_known_at as available_at
    from streaks
)

select * from final
