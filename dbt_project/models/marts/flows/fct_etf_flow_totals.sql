{#
    A streak counts sessions with an outflow; a session without a complete figure breaks nothing and makes it
    provisional.
#}
with streaks as (
    select * from {{ ref("int_etf_flow_streaks") }}
),

final as (
    select
        session_date,
        asset,
        net_flow_usd,
        sum(net_flow_usd) over (
            partition by asset order by session_number range between 4 preceding and current row
        ) as net_flow_5s_usd,
        sum(net_flow_usd) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as cumulative_flow_usd,
        1 - abs(net_flow_usd) / nullif(gross_flow_usd, 0) as rotation_ratio,
        cast(outflow_streak_sessions as integer) as outflow_streak_sessions,
        cast(outflow_streak_usd as double) as outflow_streak_usd,
        pending_fund_count > 0 as is_provisional,
        cast(pending_fund_count as integer) as pending_fund_count,
        cast(reporting_fund_count as integer) as reporting_fund_count,
        holdings_native as estimated_holdings_native,
        assets_usd as estimated_assets_usd,
        available_at
    from streaks
)

select * from final
