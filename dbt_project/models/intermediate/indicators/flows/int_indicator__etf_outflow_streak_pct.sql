{# F3: what left the funds over the streak of outflows, of the assets they are estimated to hold after it. #}
with streaks as (
    select * from {{ ref("int_etf_flow_streaks") }}
),

final as (
    select
        session_date as observed_date,
        asset as scope,
        case when net_flow_usd is not null then 100.0 * (0.0 - outflow_streak_usd) / nullif(assets_usd, 0) end as value,
        streak_valued_at as available_at
    from streaks
)

select * from final
