{{ config(materialized="table") }}

with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

funds as (
    select * from {{ ref("etf_funds") }}
),

sessions as (
    select
        asset,
        session_date,
        session_number,
        sum(net_flow_usd) as reported_flow_usd,
        sum(abs(net_flow_usd)) as gross_flow_usd,
        sum(case when is_pending then 1 else 0 end) as pending_fund_count,
        count(net_flow_usd) as reporting_fund_count,
        max(available_at) as available_at
    from cells
    group by asset, session_date, session_number
),

opening as (
    select asset, sum(opening_holdings_native) as opening_holdings_native from funds group by asset
),

-- Holdings are carried in coins: what was there at the conversion of the trusts plus every flow at its session's price.
-- Fees paid in coins are not in the flows, so the estimate drifts up by about their rate.
valued as (
    select
        sessions.*,
        prices.close_usd,
        case when sessions.pending_fund_count = 0 and sessions.reporting_fund_count > 0 then sessions.reported_flow_usd end
            as net_flow_usd,
        case
            when count(prices.close_usd) over to_date = count(*) over to_date
                then opening.opening_holdings_native + sum(sessions.reported_flow_usd / prices.close_usd) over to_date
        end as holdings_native,
        greatest(sessions.available_at, prices.available_at) as valued_at
    from sessions
    left join prices on sessions.asset = prices.asset and sessions.session_date = prices.date
    left join opening on sessions.asset = opening.asset
    window to_date as (
        partition by sessions.asset order by sessions.session_number rows between unbounded preceding and current row
    )
),

final as (
    select
        asset,
        session_date,
        session_number,
        net_flow_usd,
        gross_flow_usd,
        pending_fund_count,
        reporting_fund_count,
        holdings_native,
        holdings_native * close_usd as assets_usd,
        available_at,
        valued_at
    from valued
)

select * from final
