with depth as (
    select * from {{ ref("fct_book_depth_hourly") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

hours as (
    select
        date,
        asset,
        hour_started_at,
        sum(case when band_pct = 1 then depth_usd end) as depth_1pct_usd,
        sum(case when band_pct = 4 then depth_usd end) as depth_4pct_usd,
        sum(case when band_pct = 1 and side = 'bid' then depth_usd end) as bid_1pct_usd,
        sum(case when band_pct = 1 and side = 'ask' then depth_usd end) as ask_1pct_usd,
        max(available_at) as available_at
    from depth
    group by date, asset, hour_started_at
),

days as (
    select
        date,
        asset,
        avg(depth_1pct_usd) as mean_depth_1pct_usd,
        min(depth_1pct_usd) as lowest_depth_1pct_usd,
        avg(depth_4pct_usd) as mean_depth_4pct_usd,
        min(depth_4pct_usd) as lowest_depth_4pct_usd,
        avg(ln(nullif(ask_1pct_usd, 0) / nullif(bid_1pct_usd, 0))) as depth_skew,
        cast(count(depth_1pct_usd) as integer) as hour_count,
        max(available_at) as available_at
    from hours
    group by date, asset
),

volumes as (
    select
        date,
        asset,
        sum(volume_usd) as spot_volume_usd
    from candles
    group by date, asset
),

final as (
    select
        days.date,
        days.asset,
        days.mean_depth_1pct_usd,
        days.lowest_depth_1pct_usd,
        days.mean_depth_4pct_usd,
        days.lowest_depth_4pct_usd,
        days.depth_skew,
        days.hour_count,
        volumes.spot_volume_usd,
        days.available_at
    from days
    left join volumes on days.date = volumes.date and days.asset = volumes.asset
)

select * from final
