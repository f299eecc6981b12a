{{ config(materialized="table") }}

{#
    What one coin cost in US dollars at the end of an hour on each spot venue. Binance quotes in Tether, which is not a
    dollar: its price is converted with what Tether cost in dollars in that hour on Coinbase and Bitstamp (their mean,
    or the one that traded it). Without such a price the hour of Binance has no value: one Tether is never taken for a
    dollar.
#}
with coinbase as (
    select * from {{ ref("stg_coinbase__spot_candles") }}
    where close_price > 0
),

bitstamp as (
    select * from {{ ref("stg_bitstamp__spot_candles") }}
    where close_price > 0
),

kraken as (
    select * from {{ ref("stg_kraken_spot__spot_candles") }}
    where close_price > 0
),

binance as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

dollar_closes as (
    select
        'coinbase' as venue,
        case symbol when 'BTC-USD' then 'btc' when 'ETH-USD' then 'eth' when 'USDT-USD' then 'usdt' end as asset,
        opened_at,
        close_price,
        available_at
    from coinbase
    union all
    select
        'bitstamp' as venue,
        case symbol when 'btcusd' then 'btc' when 'ethusd' then 'eth' when 'usdtusd' then 'usdt' end as asset,
        opened_at,
        close_price,
        available_at
    from bitstamp
    union all
    select
        'kraken' as venue,
        case symbol when 'XBTUSD' then 'btc' when 'ETHUSD' then 'eth' end as asset,
        opened_at,
        close_price,
        available_at
    from kraken
),

tether as (
    select
        opened_at,
        avg(close_price) as usd_per_usdt,
        max(available_at) as available_at
    from dollar_closes
    where asset = 'usdt'
    group by opened_at
),

in_dollars as (
    select
        venue,
        asset,
        opened_at,
        'USD' as quote_symbol,
        close_price as close_quote,
        cast(1.0 as double) as usd_per_quote,
        available_at
    from dollar_closes
    where asset in ('btc', 'eth')
),

in_tether as (
    select
        'binance' as venue,
        binance.asset,
        binance.opened_at,
        'USDT' as quote_symbol,
        binance.close_usd as close_quote,
        tether.usd_per_usdt as usd_per_quote,
        greatest(binance.available_at, tether.available_at) as available_at
    from binance
    inner join tether on binance.opened_at = tether.opened_at
),

together as (
    select * from in_dollars
    union all
    select * from in_tether
),

final as (
    select
        venue,
        asset,
        opened_at,
        {{ utc_date("opened_at") }} as date,
        quote_symbol,
        close_quote,
        usd_per_quote,
        close_quote * usd_per_quote as close_usd,
        available_at
    from together
)

select * from final
