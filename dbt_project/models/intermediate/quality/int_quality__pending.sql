with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
    where is_pending
),

final as (
    select
        'farside__etf_flows' as table_name,
        asset as entity,
        'net_flow_usd' as column_name,
        cast(session_date as timestamp with time zone) as started_at,
        cast(session_date as timestamp with time zone) as ended_at,
        count(*) as row_count,
        cast(null as double) as measure,
        cast(count(*) as varchar) || ' funds have not reported' as detail
    from cells
    group by asset, session_date
)

select * from final
