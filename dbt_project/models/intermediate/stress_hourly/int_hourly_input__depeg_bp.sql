{#
    S1 by the hour: shortfall of a coin below one dollar at the end of the hour, median of the venues that quote it, capped
    at 1,000 bp, weighted by the units that circulated two days before, whose figure is known by then. Coins that two venues
    quote count: USDT on Bitstamp and Coinbase, USDC on Bitstamp and on Binance, whose Tether is converted. A coin one venue
    quotes would make that venue's trouble the market's.
#}
with bitstamp as (
    select * from {{ ref("stg_bitstamp__spot_candles") }}
    where close_price > 0 and symbol in ('usdtusd', 'usdcusd')
),

coinbase as (
    select * from {{ ref("stg_coinbase__spot_candles") }}
    where close_price > 0 and symbol = 'USDT-USD'
),

binance as (
    select * from {{ ref("stg_binance_vision__spot_klines") }}
    where close_price > 0 and symbol = 'USDCUSDT'
),

supply as (
    select * from {{ ref("int_stablecoins_daily") }}
    where circulating_units > 0
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

in_dollars as (
    select
        'bitstamp' as venue,
        case symbol when 'usdtusd' then 'USDT' else 'USDC' end as symbol,
        opened_at,
        close_price,
        available_at
    from bitstamp
    union all
    select
        'coinbase' as venue,
        'USDT' as symbol,
        opened_at,
        close_price,
        available_at
    from coinbase
),

tether as (
    select
        opened_at,
        avg(close_price) as usd_per_usdt,
        max(available_at) as available_at
    from in_dollars
    where symbol = 'USDT'
    group by opened_at
),

quotes as (
    select * from in_dollars
    union all
    select
        'binance' as venue,
        'USDC' as symbol,
        binance.opened_at,
        binance.close_price * tether.usd_per_usdt as close_price,
        greatest(binance.available_at, tether.available_at) as available_at
    from binance
    inner join tether on binance.opened_at = tether.opened_at
),

coins as (
    select
        calendar.hour_ended_at,
        quotes.symbol,
        1e4 * greatest(0.0, 1.0 - {{ median_of("quotes.close_price") }}) as depeg_bp,
        max(quotes.available_at) as available_at
    from quotes
    inner join calendar on quotes.opened_at + interval '1 hour' = calendar.hour_ended_at
    group by calendar.hour_ended_at, quotes.symbol
    having count(*) = 2
),

final as (
    select
        coins.hour_ended_at,
        sum(supply.circulating_units * least(coins.depeg_bp, 1000.0)) / sum(supply.circulating_units) as value,
        greatest(max(coins.available_at), max(supply.supply_available_at)) as available_at
    from coins
    inner join supply
        on coins.symbol = supply.symbol and supply.date = {{ days_before("coins.hour_ended_at", 2) }}
    group by coins.hour_ended_at
    having count(*) = 2
)

select * from final
