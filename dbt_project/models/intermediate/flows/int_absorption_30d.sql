{#
    Demand for Bitcoin that can be counted against supply that can be counted, over 30 days and in US dollars (F11).
    Each part is null where its source is silent or incomplete. A net sale by companies is supply, as an outflow of the
    funds is.
#}
{{ config(materialized="table") }}

with holders as (
    select * from {{ ref("stg_bgeometrics__lth_supply") }}
),

network as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset = 'btc'
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'btc'
),

funds as (
    select * from {{ ref("int_etf_flow_sessions") }}
    where asset = 'btc'
),

exchange_sessions as (
    select * from {{ ref("int_nyse_sessions") }}
),

contraction as (
    select * from {{ ref("int_indicator__stable_supply_contraction_30d") }}
),

stablecoins as (
    select * from {{ ref("int_stablecoins_daily") }}
    where backing = 'fiat'
),

treasuries as (
    select * from {{ ref("int_indicator__dat_net_buy_btc_w") }}
),

launch as (
    select min(session_date) as first_session_date from funds
),

sold as (
    select
        date,
        max(lth_supply_btc) over month_before - lth_supply_btc as lth_net_distribution_btc,
        available_at
    from holders
    window month_before as (order by date range between interval '30 days' preceding and interval '30 days' preceding)
),

mined as (
    select
        date,
        case when count(issuance_usd) over last_month = 30 then sum(issuance_usd) over last_month end as issuance_usd,
        max(available_at) over last_month as available_at
    from network
    window last_month as (order by date range between interval '29 days' preceding and current row)
),

priced as (
    select
        date,
        case when count(close_usd) over last_month = 30 then avg(close_usd) over last_month end as mean_price_usd,
        max(available_at) over last_month as available_at
    from prices
    window last_month as (order by date range between interval '29 days' preceding and current row)
),

fund_flows as (
    select
        sold.date,
        case
            when count(*) = count(funds.net_flow_usd)
                and min(launch.first_session_date) <= {{ days_before("sold.date", 29) }}
                then sum(funds.net_flow_usd)
        end as etf_net_flow_usd,
        max(funds.available_at) as available_at
    from sold
    cross join launch
    inner join exchange_sessions
        on
            exchange_sessions.session_date <= sold.date
            and exchange_sessions.session_date > {{ days_before("sold.date", 30) }}
    left join funds on exchange_sessions.session_date = funds.session_date
    group by sold.date
),

coin_supply as (
    select
        later.date,
        sum(later.circulating_units - earlier.circulating_units) as change_units,
        max(later.supply_available_at) as available_at
    from stablecoins as later
    inner join stablecoins as earlier
        on later.stablecoin_id = earlier.stablecoin_id and earlier.date = {{ days_before("later.date", 30) }}
    where earlier.circulating_units > 0
    group by later.date
),

-- The indicator of the same window says on which days no coin has gone silent.
stable_growth as (
    select
        coin_supply.date,
        case when contraction.value is not null then coin_supply.change_units end as stable_supply_change_usd,
        coin_supply.available_at
    from coin_supply
    left join contraction on coin_supply.date = contraction.observed_date
),

-- Companies report by the week: the four weeks that ended by the day and not more than a week before.
company_weeks as (
    select
        sold.date,
        treasuries.scope,
        case when count(treasuries.value) = 4 then sum(treasuries.value) end as net_buy_btc,
        max(treasuries.available_at) as available_at
    from sold
    inner join treasuries
        on
            treasuries.observed_date <= sold.date
            and treasuries.observed_date > {{ days_before("sold.date", 28) }}
    group by sold.date, treasuries.scope
),

companies as (
    select
        date,
        case when count(*) = count(net_buy_btc) then sum(net_buy_btc) end as treasury_net_buy_btc,
        max(available_at) as available_at
    from company_weeks
    group by date
),

joined as (
    select
        sold.date,
        fund_flows.etf_net_flow_usd,
        companies.treasury_net_buy_btc * priced.mean_price_usd as treasury_net_buy_usd,
        stable_growth.stable_supply_change_usd,
        sold.lth_net_distribution_btc * priced.mean_price_usd as lth_net_distribution_usd,
        mined.issuance_usd,
        greatest(
            fund_flows.available_at, companies.available_at, sold.available_at, mined.available_at, priced.available_at
        ) as available_at,
        stable_growth.available_at as stable_available_at
    from sold
    left join fund_flows on sold.date = fund_flows.date
    left join companies on sold.date = companies.date
    left join stable_growth on sold.date = stable_growth.date
    left join mined on sold.date = mined.date
    left join priced on sold.date = priced.date
),

final as (
    select
        date,
        etf_net_flow_usd,
        treasury_net_buy_usd,
        stable_supply_change_usd,
        lth_net_distribution_usd,
        issuance_usd,
        case when etf_net_flow_usd is not null and treasury_net_buy_usd is not null
            then greatest(etf_net_flow_usd, 0) + greatest(treasury_net_buy_usd, 0)
        end as direct_demand_usd,
        case when stable_supply_change_usd is not null then greatest(stable_supply_change_usd, 0) end
            as stable_growth_usd,
        case
            when etf_net_flow_usd is not null and treasury_net_buy_usd is not null
                and lth_net_distribution_usd is not null and issuance_usd is not null
                then greatest(lth_net_distribution_usd, 0) + issuance_usd
                    + greatest(-etf_net_flow_usd, 0) + greatest(-treasury_net_buy_usd, 0)
        end as supply_usd,
        available_at,
        greatest(available_at, stable_available_at) as available_with_stable_at
    from joined
)

select * from final
