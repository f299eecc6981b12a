{#
    What long-term holders parted with over 30 days, by each definition that can be computed (C6): the fall of the
    supply older than the vendor's cut, and the coins that the net profit realised in the window would have come from.
    Positive is distribution. The implied figures give all of the market's net realised profit to long-term holders; a
    window that realised no net profit implies no coins, and one whose mean price is not a tenth above the cost can not
    be read, because the quotient grows without bound there.
#}
{{ config(materialized="table") }}

with bgeometrics as (
    select * from {{ ref("stg_bgeometrics__lth_supply") }}
),

bitview as (
    select * from {{ ref("stg_bitview__supply") }}
),

bitview_costs as (
    select * from {{ ref("stg_bitview__profitability") }}
),

glassnode as (
    select * from {{ ref("stg_glassnode__supply") }}
    where cohort = 'lth'
),

network as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset = 'btc'
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'btc'
),

supplies as (
    select 'net_155d_bgeometrics' as definition, date, lth_supply_btc as supply_btc, available_at from bgeometrics
    union all
    select 'net_5m_bitview' as definition, date, lth_supply_btc as supply_btc, available_at from bitview
    union all
    select 'net_logistic_glassnode' as definition, date, supply_btc, available_at from glassnode
),

net as (
    select
        definition,
        date,
        max(supply_btc) over month_before - supply_btc as distributed_30d_btc,
        max(supply_btc) over month_before as opening_supply_btc,
        greatest(available_at, max(available_at) over month_before) as available_at
    from supplies
    window month_before as (
        partition by definition
        order by date range between interval '30 days' preceding and interval '30 days' preceding
    )
),

mean_prices as (
    select
        date,
        case when count(close_usd) over last_month = 30 then avg(close_usd) over last_month end as mean_price_usd,
        max(available_at) over last_month as available_at
    from prices
    window last_month as (order by date range between interval '29 days' preceding and current row)
),

-- The cost of the long-term holders is what is left of the realised value when the short-term holders' is taken out.
bitview_values as (
    select
        bitview.date,
        bitview_costs.realized_cap_usd,
        bitview.lth_supply_btc + bitview.sth_supply_btc as supply_btc,
        bitview.lth_supply_btc,
        (bitview_costs.realized_cap_usd - bitview_costs.sth_realized_price_usd * bitview.sth_supply_btc)
        / nullif(bitview.lth_supply_btc, 0) as cost_usd,
        greatest(bitview.available_at, bitview_costs.available_at) as available_at
    from bitview
    inner join bitview_costs on bitview.date = bitview_costs.date
),

bitview_windows as (
    select
        later.date,
        later.realized_cap_usd - earlier.realized_cap_usd
        - (later.supply_btc - earlier.supply_btc) * mean_prices.mean_price_usd as net_profit_usd,
        mean_prices.mean_price_usd,
        earlier.cost_usd,
        earlier.lth_supply_btc as opening_supply_btc,
        greatest(later.available_at, earlier.available_at, mean_prices.available_at) as available_at
    from bitview_values as later
    inner join bitview_values as earlier on earlier.date = {{ days_before("later.date", 30) }}
    inner join mean_prices on later.date = mean_prices.date
),

network_values as (
    select
        date,
        market_cap_usd / nullif(mvrv_ratio, 0) as realized_cap_usd,
        price_usd / nullif(mvrv_ratio, 0) as cost_usd,
        case when count(issuance_usd) over last_month = 30 then sum(issuance_usd) over last_month end as issuance_usd,
        case when count(price_usd) over last_month = 30 then avg(price_usd) over last_month end as mean_price_usd,
        max(available_at) over last_month as available_at
    from network
    window last_month as (order by date range between interval '29 days' preceding and current row)
),

network_windows as (
    select
        later.date,
        later.realized_cap_usd - earlier.realized_cap_usd - later.issuance_usd as net_profit_usd,
        later.mean_price_usd,
        earlier.cost_usd,
        opening.lth_supply_btc as opening_supply_btc,
        greatest(later.available_at, earlier.available_at, opening.available_at) as available_at
    from network_values as later
    inner join network_values as earlier on earlier.date = {{ days_before("later.date", 30) }}
    left join bgeometrics as opening on earlier.date = opening.date
),

profits as (
    select 'implied_lth_cost_bitview' as definition, * from bitview_windows
    union all
    select 'implied_market_cost_coinmetrics' as definition, * from network_windows
),

implied as (
    select
        definition,
        date,
        case
            when net_profit_usd is not null and mean_price_usd >= 1.1 * cost_usd
                then greatest(net_profit_usd, 0) / (mean_price_usd - cost_usd)
        end as distributed_30d_btc,
        opening_supply_btc,
        available_at
    from profits
),

readings as (
    select * from net
    union all
    select * from implied
),

final as (
    select
        definition,
        date,
        distributed_30d_btc,
        opening_supply_btc,
        100.0 * distributed_30d_btc / nullif(opening_supply_btc, 0) as distributed_30d_pct,
        available_at
    from readings
    where distributed_30d_btc is not null
)

select * from final
