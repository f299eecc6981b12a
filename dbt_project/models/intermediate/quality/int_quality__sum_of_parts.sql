with flows as (
    select * from {{ ref("stg_farside__etf_flows") }}
),

sums as (
    select
        asset,
        session_date,
        sum(net_flow_usd) as parts_usd,
        max(session_total_usd) as total_usd,
        count(*) as fund_count
    from flows
    group by asset, session_date
    having count(*) = count(net_flow_usd)
),

-- The page rounds to tenths of a million, so the sum of its cells may be off by half of that for each fund.
final as (
    select
        'farside__etf_flows' as table_name,
        asset as entity,
        'session_total_usd' as column_name,
        cast(session_date as timestamp with time zone) as started_at,
        cast(session_date as timestamp with time zone) as ended_at,
        fund_count as row_count,
        total_usd - parts_usd as measure,
        'the total says ' || cast(total_usd as varchar) || ', its funds add up to ' || cast(parts_usd as varchar) as detail
    from sums
    where abs(parts_usd - total_usd) > 0.15e6
)

select * from final
