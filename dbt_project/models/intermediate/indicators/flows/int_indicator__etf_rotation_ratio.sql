{# F4: share of the flows of a session that funds of the same asset offset among themselves. #}
with sessions as (
    select * from {{ ref("int_etf_flow_sessions") }}
),

final as (
    select
        session_date as observed_date,
        asset as scope,
        1 - abs(net_flow_usd) / nullif(gross_flow_usd, 0) as value,
        available_at
    from sessions
)

select * from final
