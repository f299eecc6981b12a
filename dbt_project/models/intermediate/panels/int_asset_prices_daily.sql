{{ config(materialized="table") }}

with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

asset_metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

exchange_closes as (
    select
        asset,
        date,
        close_usd,
        available_at
    from candles
    where opened_at = cast(date as timestamp with time zone) + interval '23 hours'
),

reference_rates as (
    select
        asset,
        date,
        price_usd as close_usd,
        available_at
    from asset_metrics
    where price_usd > 0
),

final as (
    select
        coalesce(exchange_closes.asset, reference_rates.asset) as asset,
        coalesce(exchange_closes.date, reference_rates.date) as date,
        coalesce(exchange_closes.close_usd, reference_rates.close_usd) as close_usd,
        case when exchange_closes.close_usd is not null then 'binance_vision' else 'coinmetrics' end as price_source,
        coalesce(exchange_closes.available_at, reference_rates.available_at) as available_at
    from exchange_closes
    full outer join reference_rates
        on exchange_closes.asset = reference_rates.asset and exchange_closes.date = reference_rates.date
)

select * from final
