{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key=["symbol", "date"]) }}

with metrics as (
    select * from {{ ref("stg_binance_vision__um_metrics") }}
    where {{ within_touched_days(ref("stg_binance_vision__um_metrics_days"), "period_ended_at") }}
),

touched as (
    {{ touched_days(ref("stg_binance_vision__um_metrics_days")) }}
),

assets as (
    select * from {{ ref("assets") }}
),

readings as (
    select
        *,
        {{ utc_date("period_ended_at - interval '1 microsecond'") }} as date,
        date_trunc('hour', period_ended_at - interval '1 microsecond') as hour_started_at
    from metrics
),

final as (
    select
        assets.asset,
        readings.symbol,
        readings.date,
        readings.hour_started_at,
        {{ value_at_max("readings.open_interest_coin", "readings.period_ended_at") }} as open_interest_coin,
        {{ value_at_max("readings.open_interest_usd", "readings.period_ended_at") }} as open_interest_usd,
        min(readings.open_interest_coin) as low_open_interest_coin,
        max(readings.open_interest_coin) as high_open_interest_coin,
        {{ value_at_max("readings.top_trader_account_long_short_ratio", "readings.period_ended_at") }}
            as top_trader_account_long_short_ratio,
        {{ value_at_max("readings.top_trader_position_long_short_ratio", "readings.period_ended_at") }}
            as top_trader_position_long_short_ratio,
        {{ value_at_max("readings.account_long_short_ratio", "readings.period_ended_at") }} as account_long_short_ratio,
        {{ mean_in_order("readings.taker_buy_sell_volume_ratio", "readings.period_ended_at") }} as taker_buy_sell_volume_ratio,
        count(readings.open_interest_coin) as reading_count,
        max(readings.available_at) as available_at,
        max(touched.vintage_count) as consumed_vintage_count
    from readings
    inner join touched on readings.symbol = touched.symbol and readings.date = touched.date
    inner join assets on readings.symbol = assets.perpetual_symbol
    group by assets.asset, readings.symbol, readings.date, readings.hour_started_at
)

select * from final
