with flows as (
    select * from {{ ref("stg_farside__etf_flows") }}
),

sums as (
    select
        asset,
        session_date,
        sum(net_flow_usd) as parts_usd,
        max(session_total_usd) as total_usd,
        count(net_flow_usd) as fund_count
    from flows
    group by asset, session_date
    having count(net_flow_usd) > 0
),

stress as (
    select
        *,
        credit_stress_index + equity_valuation_stress_index + safe_assets_stress_index + funding_stress_index
        + volatility_stress_index as parts_index
    from {{ ref("stg_ofr__financial_stress") }}
),

-- The total of the page is that of its cells as they stand, in tenths of a million, over the funds that have reported; the
-- categories of the stress index are its contributions, published to three decimals.
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
    union all
    select
        'ofr__financial_stress',
        '',
        'financial_stress_index',
        cast(date as timestamp with time zone),
        cast(date as timestamp with time zone),
        5,
        financial_stress_index - parts_index,
        'the index says ' || cast(financial_stress_index as varchar) || ', its categories add up to ' || cast(parts_index as varchar)
    from stress
    where abs(financial_stress_index - parts_index) > 0.01
)

select * from final
