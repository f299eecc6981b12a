{#
    Premium of Bitcoin on Coinbase over Binance, mean over the hours of a day in basis points. The Binance price is in
    Tether and is turned into dollars at Tether's price on Coinbase; a day needs twenty hours with all three prices.
#}
with coinbase as (
    select * from {{ ref("stg_coinbase__spot_candles") }}
),

binance as (
    select * from {{ ref("stg_binance_vision__spot_klines") }}
    where symbol = 'BTCUSDT'
),

hours as (
    select
        {{ utc_date("binance.opened_at") }} as observed_date,
        1e4 * (bitcoin.close_price / nullif(binance.close_price * tether.close_price, 0) - 1) as premium_bp,
        greatest(binance.available_at, bitcoin.available_at, tether.available_at) as available_at
    from binance
    inner join coinbase as bitcoin on binance.opened_at = bitcoin.opened_at and bitcoin.symbol = 'BTC-USD'
    inner join coinbase as tether on binance.opened_at = tether.opened_at and tether.symbol = 'USDT-USD'
),

final as (
    select
        observed_date,
        avg(premium_bp) as premium_bp,
        max(available_at) as available_at
    from hours
    group by observed_date
    having count(premium_bp) >= 20
)

select * from final
