{# What one venue printed: on 10 October 2025 a coin can be at 0.65 here and at one dollar everywhere else. #}
with klines as (
    select * from {{ ref("stg_binance_vision__spot_klines") }}
),

coins as (
    select * from {{ ref("stablecoins") }}
),

final as (
    select
        klines.opened_at,
        {{ utc_date("klines.opened_at") }} as date,
        coins.symbol,
        'binance' as venue,
        'USDT' as quote_symbol,
        klines.low_price as low_quote,
        klines.high_price as high_quote,
        klines.close_price as close_quote,
        klines.volume_quote,
        klines.available_at
    from klines
    inner join coins on klines.symbol = upper(coins.symbol) || 'USDT'
)

select * from final
