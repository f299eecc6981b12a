{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key=["symbol", "date"]) }}

with depth as (
    select * from {{ ref("stg_binance_vision__um_book_depth") }}
    where {{ within_touched_days(ref("stg_binance_vision__um_book_depth_days"), "snapshot_at") }}
),

touched as (
    {{ touched_days(ref("stg_binance_vision__um_book_depth_days")) }}
),

assets as (
    select * from {{ ref("assets") }}
),

bands as (
    select
        depth.symbol,
        touched.date,
        depth.snapshot_at,
        date_trunc('hour', depth.snapshot_at) as hour_started_at,
        depth.band_pct,
        depth.depth_coin,
        depth.depth_usd,
        depth.available_at,
        touched.vintage_count,
        case when depth.band_pct < 0 then depth.depth_usd / nullif(depth.depth_coin, 0) end as bid_price_usd,
        case when depth.band_pct > 0 then depth.depth_usd / nullif(depth.depth_coin, 0) end as ask_price_usd
    from depth
    inner join touched on depth.symbol = touched.symbol and {{ utc_date("depth.snapshot_at") }} = touched.date
),

-- A bid band that on average costs more than an ask band is a book no market can have: a frozen or ghost level.
snapshots as (
    select
        symbol,
        snapshot_at,
        max(bid_price_usd) >= min(ask_price_usd) or min(depth_usd) < 0 as is_crossed
    from bands
    group by symbol, snapshot_at
),

final as (
    select
        assets.asset,
        bands.symbol,
        bands.date,
        bands.hour_started_at,
        bands.band_pct,
        {{ median_of("case when not snapshots.is_crossed then bands.depth_coin end") }} as depth_coin,
        {{ median_of("case when not snapshots.is_crossed then bands.depth_usd end") }} as depth_usd,
        -- Undercut in one look of six: for ten minutes of the hour, at whatever distance the looks are taken.
        percentile_disc(0.1666) within group (order by case when not snapshots.is_crossed then bands.depth_usd end)
            as ten_minute_low_usd,
        count(*) as snapshot_count,
        sum(case when snapshots.is_crossed then 1 else 0 end) as rejected_snapshot_count,
        max(bands.available_at) as available_at,
        max(bands.vintage_count) as consumed_vintage_count
    from bands
    inner join snapshots on bands.symbol = snapshots.symbol and bands.snapshot_at = snapshots.snapshot_at
    inner join assets on bands.symbol = assets.perpetual_symbol
    group by assets.asset, bands.symbol, bands.date, bands.hour_started_at, bands.band_pct
)

select * from final
