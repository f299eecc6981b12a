{{ config(materialized="table") }}

{#
    Every source of a quantity that more than one source carries, in one unit and one grain: the day. A change of a day is
    between neighbouring days; over a gap there is none.
#}
with etf_cells as (
    select * from {{ ref("int_etf_flow_sessions") }}
),

final as (
    select
        'etf_net_flow_usd' as quantity,
        asset as entity,
        session_date as date,
        'farside__etf_flows' as source,
        net_flow_usd as value,
        available_at
    from etf_cells
    union all
    select 'etf_net_flow_usd', asset, session_date, 'sosovalue__etf_totals', net_flow_usd, available_at
    from {{ ref("stg_sosovalue__etf_totals") }}
    union all
    select 'etf_net_flow_usd', asset, date, 'coinglass__etf_flows', net_flow_usd, available_at
    from {{ ref("stg_coinglass__etf_flows") }}
    where ticker = 'all' and date in (select session_date from {{ ref("int_nyse_sessions") }})
    union all
    select 'open_interest_usd', asset, date, 'coinglass__open_interest', open_interest_usd, available_at
    from {{ ref("stg_coinglass__open_interest") }}
    where asset in ('btc', 'eth')
    union all
    select 'open_interest_usd', asset, date, 'venues', sum(open_interest_usd), max(available_at)
    from {{ ref("int_venue_open_interest_daily") }}
    group by asset, date
    union all
    select 'liquidations_usd', asset, date, 'coinglass__liquidations', total_usd, available_at
    from {{ ref("int_liquidations_daily") }}
    where source = 'coinglass__liquidations' and asset in ('btc', 'eth')
    union all
    select 'liquidations_usd', asset, date, 'venues', sum(total_usd), max(available_at)
    from {{ ref("int_liquidations_daily") }}
    where coverage_class = 'all'
    group by asset, date
    union all
    select 'lth_supply_btc', 'btc', date, 'bitview__supply', lth_supply_btc, available_at
    from {{ ref("stg_bitview__supply") }}
    union all
    select 'lth_supply_btc', 'btc', date, 'bgeometrics__lth_supply', lth_supply_btc, available_at
    from {{ ref("stg_bgeometrics__lth_supply") }}
    union all
    select 'lth_supply_btc', 'btc', date, 'glassnode__supply', supply_btc, available_at
    from {{ ref("stg_glassnode__supply") }}
    where cohort = 'lth'
    union all
    select 'sth_sopr_ratio', 'btc', date, 'bitview__profitability', sth_sopr_ratio, available_at
    from {{ ref("stg_bitview__profitability") }}
    union all
    select 'sth_sopr_ratio', 'btc', date, 'bgeometrics__sth_sopr', sth_sopr_ratio, available_at
    from {{ ref("stg_bgeometrics__sth_sopr") }}
    union all
    select 'realized_price_usd', 'btc', date, 'bitview__profitability', realized_price_usd, available_at
    from {{ ref("stg_bitview__profitability") }}
    union all
    select 'realized_price_usd', 'btc', date, 'bgeometrics__realized_price', realized_price_usd, available_at
    from {{ ref("stg_bgeometrics__realized_price") }}
    union all
    select 'exchange_supply_btc', 'btc', date, 'coinmetrics__asset_metrics', exchange_supply_native, available_at
    from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset = 'btc'
    union all
    select 'exchange_supply_btc', 'btc', date, 'bgeometrics__exchange_reserve', exchange_reserve_btc, available_at
    from {{ ref("stg_bgeometrics__exchange_reserve") }}
    union all
    select
        'exchange_supply_change_btc',
        'btc',
        date,
        'coinmetrics flows',
        (flow_in_exchange_usd - flow_out_exchange_usd) / nullif(price_usd, 0),
        available_at
    from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset = 'btc'
    union all
    select
        'exchange_supply_change_btc',
        'btc',
        date,
        'coinmetrics supply',
        case
            when lag(date) over (order by date) = {{ days_before("date", 1) }}
                then exchange_supply_native - lag(exchange_supply_native) over (order by date)
        end,
        available_at
    from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset = 'btc'
    union all
    select
        'exchange_supply_change_btc',
        'btc',
        date,
        'bgeometrics reserve',
        case
            when lag(date) over (order by date) = {{ days_before("date", 1) }}
                then exchange_reserve_btc - lag(exchange_reserve_btc) over (order by date)
        end,
        available_at
    from {{ ref("stg_bgeometrics__exchange_reserve") }}
    union all
    select 'price_usd', asset, date, 'coinmetrics__asset_metrics', price_usd, available_at
    from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset in ('btc', 'eth')
    union all
    select
        'price_usd',
        case when symbol = 'BTC-USD' then 'btc' else 'eth' end,
        {{ utc_date("opened_at") }},
        'coinbase__spot_candles',
        close_price,
        available_at
    from {{ ref("stg_coinbase__spot_candles") }}
    where symbol in ('BTC-USD', 'ETH-USD') and extract(hour from opened_at) = 23
    union all
    select
        'price_usd',
        case when symbol = 'BTCUSDT' then 'btc' else 'eth' end,
        {{ utc_date("opened_at") }},
        'binance_vision__spot_klines',
        close_price,
        available_at
    from {{ ref("stg_binance_vision__spot_klines") }}
    where symbol in ('BTCUSDT', 'ETHUSDT') and extract(hour from opened_at) = 23
    union all
    select
        'price_usd',
        case when symbol = 'BTCUSDT' then 'btc' else 'eth' end,
        date,
        'coinglass__spot_prices',
        close_price,
        available_at
    from {{ ref("stg_coinglass__spot_prices") }}
    where symbol in ('BTCUSDT', 'ETHUSDT')
    union all
    select 'vix_index', 'vix', session_date, 'cboe__vix', vix_close_pct, available_at
    from {{ ref("stg_cboe__vix") }}
    union all
    select 'vix_index', 'vix', date, 'fred__daily_series', value, available_at
    from {{ ref("stg_fred__daily_series") }}
    where series_id = 'VIXCLS'
)

select * from final
