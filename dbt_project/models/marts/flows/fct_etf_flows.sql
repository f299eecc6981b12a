with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
    where is_listed
),

funds as (
    select * from {{ ref("etf_funds") }}
),

final as (
    select
        cells.session_date,
        cells.asset,
        cells.ticker,
        funds.name as fund_name,
        funds.issuer,
        cells.net_flow_usd,
        cells.is_pending,
        sum(cells.net_flow_usd) over (
            partition by cells.asset, cells.ticker order by cells.session_date
            rows between unbounded preceding and current row
        ) as cumulative_flow_usd,
        cells.available_at
    from cells
    left join funds on cells.ticker = funds.ticker and cells.asset = funds.asset
)

select * from final
