{{ config(materialized="table") }}

{#
    Minutes and hours in which positions were closed by force, and which of them are extreme for what the trailing 30 days
    had. Minutes come from the recorder; they count from three days after it began to listen. Hours come from the venues
    that sum their own, by what they report against their open interest at the hour's start; where none reports, from the
    fall of open interest itself, which is no proof of force and is marked so.
#}
with events as (
    select * from {{ ref("int_liquidation_events") }}
    where source = 'recorder__liquidations' and total_usd > 0
),

feeds as (
    select * from {{ ref("stg_recorder__coverage") }}
    where stream = 'liquidations' and status = 'connected'
),

hourly as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source in ('gate__contract_stats', 'kraken_futures__liquidation_volume')
),

falls as (
    select * from {{ ref("int_open_interest_falls_hourly") }}
),

venue_open_interest as (
    select * from {{ ref("int_venue_open_interest_daily") }}
),

listening as (
    select min(started_at) as listened_from from feeds
),

minutes as (
    select
        asset,
        date_trunc('minute', occurred_at) as pulse_at,
        sum(total_usd) as total_usd,
        count(distinct venue) as venue_count,
        max(available_at) as available_at
    from events
    group by asset, date_trunc('minute', occurred_at)
),

-- Quiet minutes are not above anything, so counting the louder ones among those with closures is the rank among all.
ranked_minutes as (
    select
        *,
        count(*) over month_before - {{ count_not_above("total_usd", "month_before") }} as louder_count,
        sum(total_usd) over five_minutes as five_minute_usd
    from minutes
    window
        month_before as (
            partition by asset order by pulse_at range between interval '30 days' preceding and current row
        ),
        five_minutes as (
            partition by asset order by pulse_at range between interval '4 minutes' preceding and current row
        )
),

five_minutes as (
    select
        *,
        count(*) over month_before - {{ count_not_above("five_minute_usd", "month_before") }} as louder_five_count
    from ranked_minutes
    window month_before as (
        partition by asset order by pulse_at range between interval '30 days' preceding and current row
    )
),

open_interest as (
    select
        asset,
        date,
        sum(open_interest_usd) as open_interest_usd
    from venue_open_interest
    group by asset, date
),

judged_minutes as (
    select
        five_minutes.asset,
        five_minutes.pulse_at,
        five_minutes.total_usd,
        five_minutes.venue_count,
        five_minutes.available_at,
        least({{ hours_between("listening.listened_from", "five_minutes.pulse_at") }}, 720.0) * 60 as listened_minutes,
        five_minutes.louder_count,
        five_minutes.louder_five_count,
        open_interest.open_interest_usd
    from five_minutes
    cross join listening
    left join open_interest
        on
            five_minutes.asset = open_interest.asset
            and {{ days_before(utc_date("five_minutes.pulse_at"), 1) }} = open_interest.date
),

minute_pulses as (
    select
        'minute' as resolution,
        asset,
        pulse_at,
        'reported' as basis,
        louder_count < 0.001 * listened_minutes
        and total_usd >= 0.0003 * open_interest_usd
        and venue_count >= 2 as is_start,
        louder_five_count < 0.01 * listened_minutes as is_active,
        available_at
    from judged_minutes
    where listened_minutes >= 4320
),

hours as (
    select
        falls.asset,
        falls.hour_started_at as pulse_at,
        100.0 * sum(hourly.total_usd) / sum(case when hourly.total_usd is not null then falls.opening_usd end) as reported_pct,
        100.0 * sum(falls.fall_usd) / sum(falls.opening_usd) as fall_pct,
        max(greatest(falls.available_at, hourly.available_at)) as available_at
    from falls
    left join hourly
        on
            falls.venue = hourly.venue
            and falls.asset = hourly.asset
            and falls.hour_started_at = hourly.hour_started_at
    group by falls.asset, falls.hour_started_at
),

measured_hours as (
    select
        *,
        coalesce(reported_pct, fall_pct) as size_pct,
        case when reported_pct is not null then 'reported' else 'implied' end as basis
    from hours
),

ranked_hours as (
    select
        *,
        count(*) over month_before - {{ count_not_above("size_pct", "month_before") }} as louder_count,
        count(*) over month_before as hour_count
    from measured_hours
    window month_before as (
        partition by asset, basis order by pulse_at range between interval '30 days' preceding and current row
    )
),

-- Where the recorder listens the minutes speak.
hour_pulses as (
    select
        'hour' as resolution,
        ranked_hours.asset,
        ranked_hours.pulse_at,
        ranked_hours.basis,
        ranked_hours.louder_count < 0.01 * ranked_hours.hour_count
        and ranked_hours.size_pct >= case when ranked_hours.basis = 'reported' then 0.5 else 1.0 end as is_start,
        ranked_hours.louder_count < 0.05 * ranked_hours.hour_count
        and ranked_hours.size_pct >= case when ranked_hours.basis = 'reported' then 0.25 else 0.5 end as is_active,
        ranked_hours.available_at
    from ranked_hours
    left join feeds
        on
            ranked_hours.pulse_at >= feeds.started_at
            and ranked_hours.pulse_at < feeds.ended_at
    cross join listening
    where
        ranked_hours.hour_count >= 480
        and (
            feeds.venue is null
            or ranked_hours.pulse_at < listening.listened_from + interval '3 days'
        )
),

final as (
    select
        resolution,
        asset,
        pulse_at,
        basis,
        is_start,
        is_active or is_start as is_active,
        available_at
    from minute_pulses
    where is_active or is_start
    union all
    select distinct
        resolution,
        asset,
        pulse_at,
        basis,
        is_start,
        is_active or is_start as is_active,
        available_at
    from hour_pulses
    where is_active or is_start
)

select * from final
