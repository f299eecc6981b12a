{# Flows of exchange-traded funds on days without a session. The generic rule goes by the calendar of the dataset. #}
with flows as (
    select distinct asset, date, net_flow_usd from {{ ref("stg_coinglass__etf_flows") }}
    where ticker = 'all'
),

sessions as (
    select * from {{ ref("int_nyse_sessions") }}
),

final as (
    select
        'coinglass__etf_flows' as table_name,
        flows.asset as entity,
        'net_flow_usd' as column_name,
        cast(min(flows.date) as timestamp with time zone) as started_at,
        cast(max(flows.date) as timestamp with time zone) as ended_at,
        count(*) as row_count,
        max(abs(flows.net_flow_usd)) as measure,
        cast(count(*) as varchar) || ' rows on days without a session' as detail
    from flows
    left join sessions on flows.date = sessions.session_date
    where sessions.session_date is null
    group by flows.asset
)

select * from final
