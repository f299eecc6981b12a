{#
    Whether the book was all but gone in an hour (C3). A venue is thin when the depth within 1 % of mid, both sides, was
    for ten minutes of the hour below 30 % of what that hour has; looks once an hour stand for their hour. The market
    has evaporated when two venues are thin, or when the depth of Binance within 4 % was for ten minutes below 20 % of
    its norm. Where one venue alone is held the rule of two cannot be asked: such hours count, and are marked
    unconfirmed. It has recovered when the hourly median of Binance is at 70 % of its norm again, within 1 % and within
    4 %.
#}
with depth as (
    select * from {{ ref("int_depth_norms_hourly") }}
),

venues as (
    select
        asset,
        venue,
        hour_started_at,
        low_1pct_usd / norm_1pct_usd as low_1pct_ratio,
        low_bid_1pct_usd / norm_bid_1pct_usd as low_bid_ratio,
        low_ask_1pct_usd / norm_ask_1pct_usd as low_ask_ratio,
        low_4pct_usd / norm_4pct_usd as low_4pct_ratio,
        depth_1pct_usd / norm_1pct_usd as depth_1pct_ratio,
        depth_4pct_usd / norm_4pct_usd as depth_4pct_ratio,
        low_1pct_usd,
        available_at
    from depth
),

hours as (
    select
        asset,
        hour_started_at,
        count(low_1pct_ratio) as measured_venue_count,
        sum(case when low_1pct_ratio < 0.3 then 1 else 0 end) as thin_venue_count,
        max(case when venue = 'binance' and low_1pct_ratio < 0.3 then 1 else 0 end) as binance_is_thin,
        max(case when venue = 'kraken' and low_1pct_ratio < 0.3 then 1 else 0 end) as kraken_is_thin,
        max(case when venue = 'okx' and low_1pct_ratio < 0.3 then 1 else 0 end) as okx_is_thin,
        max(case when venue = 'binance' then low_1pct_ratio end) as low_1pct_ratio,
        max(case when venue = 'binance' then low_bid_ratio end) as low_bid_ratio,
        max(case when venue = 'binance' then low_ask_ratio end) as low_ask_ratio,
        max(case when venue = 'binance' then low_4pct_ratio end) as low_4pct_ratio,
        max(case when venue = 'binance' then low_1pct_usd end) as low_1pct_usd,
        max(case when venue = 'binance' then depth_1pct_ratio end) as depth_1pct_ratio,
        max(case when venue = 'binance' then depth_4pct_ratio end) as depth_4pct_ratio,
        max(available_at) as available_at
    from venues
    group by asset, hour_started_at
),

final as (
    select
        *,
        coalesce(thin_venue_count >= 2, false) as is_thin_on_two,
        coalesce(low_4pct_ratio < 0.2, false) as is_thin_at_4pct,
        measured_venue_count = 1 and thin_venue_count = 1 as is_thin_on_only_venue,
        thin_venue_count >= 2
        or coalesce(low_4pct_ratio < 0.2, false)
        or (measured_venue_count = 1 and thin_venue_count = 1) as is_evaporated,
        coalesce(depth_1pct_ratio >= 0.7 and (depth_4pct_ratio is null or depth_4pct_ratio >= 0.7), false)
            as is_recovered
    from hours
)

select * from final
