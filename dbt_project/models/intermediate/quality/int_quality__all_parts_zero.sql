with flows as (
    select * from {{ ref("stg_farside__etf_flows") }}
),

final as (
    select
        'farside__etf_flows' as table_name,
        asset as entity,
        'net_flow_usd' as column_name,
        cast(session_date as timestamp with time zone) as started_at,
        cast(session_date as timestamp with time zone) as ended_at,
        count(*) as row_count,
        cast(0 as double) as measure,
        cast(count(net_flow_usd) as varchar) || ' funds at zero' as detail
    from flows
    group by asset, session_date
    having count(net_flow_usd) >= 3 and max(abs(net_flow_usd)) = 0
)

select * from final
