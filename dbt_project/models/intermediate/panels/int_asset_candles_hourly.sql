{{ config(materialized="table") }}

with klines as (
    select * from {{ ref("stg_binance_vision__spot_klines") }}
),

assets as (
    select * from {{ ref("assets") }}
),

candles as (
    select
        assets.asset,
        klines.opened_at,
        {{ utc_date("klines.opened_at") }} as date,
        klines.open_price as open_usd,
        klines.high_price as high_usd,
        klines.low_price as low_usd,
        klines.close_price as close_usd,
        klines.volume_quote as volume_usd,
        klines.taker_buy_volume_quote as taker_buy_volume_usd,
        klines.available_at,
        lag(klines.opened_at) over by_asset as previous_opened_at,
        lag(klines.close_price) over by_asset as previous_close_usd,
        lag(klines.high_price) over by_asset as previous_high_usd,
        lag(klines.low_price) over by_asset as previous_low_usd
    from klines
    inner join assets on klines.symbol = assets.spot_symbol
    where klines.close_price > 0 and klines.low_price > 0
    window by_asset as (partition by assets.asset order by klines.opened_at)
),

final as (
    select
        asset,
        opened_at,
        date,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_usd,
        taker_buy_volume_usd,
        -- A return across a missing hour is not an hourly return.
        case when opened_at = previous_opened_at + interval '1 hour' then ln(close_usd / previous_close_usd) end as log_return,
        case when opened_at = previous_opened_at + interval '1 hour' then previous_high_usd end as previous_high_usd,
        case when opened_at = previous_opened_at + interval '1 hour' then previous_low_usd end as previous_low_usd,
        available_at
    from candles
)

select * from final
