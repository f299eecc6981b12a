{#
    Cascades of liquidations: minutes or hours of extreme closures, ended by fifteen quiet minutes, or two quiet hours where
    hours are all there is. Their size is an interval: what was reported, which feeds that throttle understate, and what open
    interest lost at the same venues in the hours they touch, which holds positions closed by their owners as well. Both are
    set against the open interest of those venues at the start.
#}
with pulses as (
    select * from {{ ref("int_liquidation_pulses") }}
),

events as (
    select * from {{ ref("int_liquidation_events") }}
    where source = 'recorder__liquidations' and total_usd > 0
),

hourly as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source in ('gate__contract_stats', 'kraken_futures__liquidation_volume')
),

falls as (
    select * from {{ ref("int_open_interest_falls_hourly") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

depth as (
    select * from {{ ref("int_book_depth_hourly") }}
    where band_pct in (-1, 1)
),

gaps as (
    select
        *,
        case
            when pulse_at - lag(pulse_at) over by_asset
                <= case when resolution = 'minute' then interval '15 minutes' else interval '2 hours' end
                then 0
            else 1
        end as is_apart
    from pulses
    window by_asset as (partition by asset, resolution order by pulse_at)
),

groups as (
    select
        *,
        sum(is_apart) over (
            partition by asset, resolution order by pulse_at rows between unbounded preceding and current row
        ) as cascade_number
    from gaps
),

-- A group begins with its first start; what stirred before is no part of it.
spans as (
    select
        asset,
        resolution,
        cascade_number,
        min(case when is_start then pulse_at end) as started_at,
        max(pulse_at) + case when resolution = 'minute' then interval '1 minute' else interval '1 hour' end as ended_at,
        max(basis) as basis,
        min(basis) as other_basis,
        max(available_at) + case when resolution = 'minute' then interval '15 minutes' else interval '2 hours' end as available_at
    from groups
    group by asset, resolution, cascade_number
    having max(case when is_start then 1 else 0 end) = 1
),

told as (
    select
        'minute' as resolution,
        venue,
        asset,
        occurred_at as told_at,
        date_trunc('hour', occurred_at) as hour_started_at,
        long_usd,
        short_usd,
        total_usd,
        coverage_class
    from events
    union all
    select
        'hour',
        venue,
        asset,
        hour_started_at,
        hour_started_at,
        long_usd,
        short_usd,
        total_usd,
        coverage_class
    from hourly
    where total_usd is not null
),

reported as (
    select
        spans.asset,
        spans.resolution,
        spans.started_at,
        told.venue,
        sum(told.long_usd) as long_usd,
        sum(told.short_usd) as short_usd,
        sum(told.total_usd) as total_usd,
        min(told.coverage_class) as first_class,
        max(told.coverage_class) as last_class
    from spans
    inner join told
        on
            spans.asset = told.asset
            and spans.resolution = told.resolution
            and told.told_at >= spans.started_at
            and told.told_at < spans.ended_at
    group by spans.asset, spans.resolution, spans.started_at, told.venue
),

lost as (
    select
        spans.asset,
        spans.resolution,
        spans.started_at,
        falls.venue,
        sum(falls.fall_usd) as fall_usd,
        sum(falls.fall_coin) as fall_coin,
        max(case when falls.hour_started_at = date_trunc('hour', spans.started_at) then falls.opening_usd end) as opening_usd
    from spans
    inner join falls
        on
            spans.asset = falls.asset
            and falls.hour_started_at >= date_trunc('hour', spans.started_at)
            and falls.hour_started_at < spans.ended_at
    group by spans.asset, spans.resolution, spans.started_at, falls.venue
),

venues as (
    select
        coalesce(reported.asset, lost.asset) as asset,
        coalesce(reported.resolution, lost.resolution) as resolution,
        coalesce(reported.started_at, lost.started_at) as started_at,
        reported.long_usd,
        reported.short_usd,
        reported.total_usd,
        reported.first_class,
        reported.last_class,
        lost.fall_usd,
        lost.fall_coin,
        lost.opening_usd
    from reported
    full outer join lost
        on
            reported.asset = lost.asset
            and reported.resolution = lost.resolution
            and reported.started_at = lost.started_at
            and reported.venue = lost.venue
),

-- Both bounds speak of the venues that reported; where none did, of all that show their open interest.
speaking as (
    select
        *,
        total_usd is not null
        or max(case when total_usd is not null then 1 else 0 end) over (partition by asset, resolution, started_at) = 0
            as is_speaking
    from venues
),

sizes as (
    select
        asset,
        resolution,
        started_at,
        sum(long_usd) as long_usd,
        sum(short_usd) as short_usd,
        sum(total_usd) as low_usd,
        sum(case when is_speaking then greatest(fall_usd, total_usd) end) as high_usd,
        sum(fall_coin) as lost_coin,
        count(total_usd) as reporting_venue_count,
        count(fall_usd) as open_interest_venue_count,
        sum(case when opening_usd > 0 then total_usd end)
        / sum(case when total_usd is not null and opening_usd > 0 then opening_usd end) as low_ratio,
        sum(case when is_speaking and opening_usd > 0 then greatest(fall_usd, total_usd) end)
        / sum(case when is_speaking and opening_usd > 0 then opening_usd end) as high_ratio,
        min(first_class) as first_class,
        max(last_class) as last_class
    from speaking
    group by asset, resolution, started_at
),

moves as (
    select
        spans.asset,
        spans.resolution,
        spans.started_at,
        min(candles.low_usd) as low_price_usd,
        max(candles.high_usd) as high_price_usd,
        max(case when candles.opened_at = date_trunc('hour', spans.started_at) then candles.open_usd end) as open_price_usd,
        {{ value_at_max("candles.close_usd", "candles.opened_at") }} as close_price_usd
    from spans
    inner join candles
        on
            spans.asset = candles.asset
            and candles.opened_at >= date_trunc('hour', spans.started_at)
            and candles.opened_at < spans.ended_at
    group by spans.asset, spans.resolution, spans.started_at
),

depth_before as (
    select
        asset,
        hour_started_at + interval '1 hour' as hour_started_at,
        case when count(depth_usd) = 2 then sum(depth_usd) end as depth_usd
    from depth
    group by asset, hour_started_at
),

classed as (
    select
        spans.asset,
        spans.resolution,
        spans.started_at,
        spans.ended_at,
        case when spans.basis = spans.other_basis then spans.basis else 'mixed' end as basis,
        sizes.low_usd,
        sizes.high_usd,
        sizes.long_usd,
        sizes.short_usd,
        sizes.lost_coin,
        sizes.reporting_venue_count,
        sizes.open_interest_venue_count,
        100.0 * sizes.low_ratio as low_to_open_interest_pct,
        100.0 * sizes.high_ratio as high_to_open_interest_pct,
        case
            when sizes.first_class is null then 'none'
            when sizes.first_class = sizes.last_class then sizes.first_class
            else 'mixed'
        end as coverage_class,
        moves.open_price_usd,
        moves.low_price_usd,
        moves.high_price_usd,
        moves.close_price_usd,
        depth_before.depth_usd,
        spans.available_at
    from spans
    left join sizes
        on
            spans.asset = sizes.asset
            and spans.resolution = sizes.resolution
            and spans.started_at = sizes.started_at
    left join moves
        on
            spans.asset = moves.asset
            and spans.resolution = moves.resolution
            and spans.started_at = moves.started_at
    left join depth_before
        on spans.asset = depth_before.asset and date_trunc('hour', spans.started_at) = depth_before.hour_started_at
),

final as (
    select
        asset,
        started_at,
        ended_at,
        resolution,
        basis,
        coverage_class,
        low_usd,
        high_usd,
        low_to_open_interest_pct,
        high_to_open_interest_pct,
        case
            when coalesce(low_to_open_interest_pct, high_to_open_interest_pct) >= 5 then '5 % or more'
            when coalesce(low_to_open_interest_pct, high_to_open_interest_pct) >= 2 then '2 to 5 %'
            when coalesce(low_to_open_interest_pct, high_to_open_interest_pct) >= 1 then '1 to 2 %'
            when coalesce(low_to_open_interest_pct, high_to_open_interest_pct) >= 0.5 then '0.5 to 1 %'
            when coalesce(low_to_open_interest_pct, high_to_open_interest_pct) >= 0 then 'below 0.5 %'
        end as size_class,
        100.0 * long_usd / nullif(long_usd + short_usd, 0) as long_share_pct,
        lost_coin as open_interest_lost_coin,
        100.0 * (close_price_usd / open_price_usd - 1) as price_move_pct,
        100.0 * (low_price_usd / open_price_usd - 1) as price_low_pct,
        100.0 * (high_price_usd / open_price_usd - 1) as price_high_pct,
        depth_usd as depth_before_usd,
        reporting_venue_count,
        open_interest_venue_count,
        {{ iso_weekday(utc_date("started_at")) }} >= 6 as is_weekend,
        available_at
    from classed
)

select * from final
