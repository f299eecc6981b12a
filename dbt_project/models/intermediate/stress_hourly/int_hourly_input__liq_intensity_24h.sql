{#
    D6 by the hour: what venues that sum their own liquidations closed by force in the last 24 hours, in per cent of what was
    open there at the end of the last day before them. The same venues above and below the line; an hour for which one of
    them lacks an hour of the day has no value.
#}
with liquidations as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source in ('gate__contract_stats', 'kraken_futures__liquidation_volume')
),

open_interest as (
    select * from {{ ref("int_venue_open_interest_daily") }}
    where open_interest_usd > 0
),

venues as (
    select * from {{ ref("universe_venues") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '2 days' as first_at from calendar
),

days as (
    select
        liquidations.venue,
        liquidations.asset,
        liquidations.hour_started_at + interval '1 hour' as hour_ended_at,
        case when count(liquidations.total_usd) over last_day = 24 then sum(liquidations.total_usd) over last_day end
            as liquidations_usd,
        max(liquidations.available_at) over last_day as available_at
    from liquidations
    inner join bounds on liquidations.hour_started_at >= bounds.first_at
    window last_day as (
        partition by liquidations.venue, liquidations.asset order by liquidations.hour_started_at
        range between interval '23 hours' preceding and current row
    )
),

readings as (
    select
        days.venue,
        days.asset,
        days.hour_ended_at,
        days.liquidations_usd,
        opening.open_interest_usd as opening_usd,
        greatest(days.available_at, opening.available_at) as available_at
    from days
    inner join calendar on days.hour_ended_at = calendar.hour_ended_at
    inner join open_interest as opening
        on
            days.venue = opening.venue
            and days.asset = opening.asset
            and {{ days_before("days.hour_ended_at - interval '24 hours'", 1) }} = opening.date
    where days.liquidations_usd is not null
),

panel as (
    select
        readings.venue,
        readings.asset,
        min(readings.hour_ended_at) as entered_at,
        min(venues.valid_to) as closed_on
    from readings
    left join venues on readings.venue = venues.venue
    group by readings.venue, readings.asset
),

per_asset as (
    select
        hours.asset,
        hours.hour_ended_at,
        100.0 * sum(readings.liquidations_usd) / sum(readings.opening_usd) as reading,
        max(readings.available_at) as available_at
    from (select distinct asset, hour_ended_at from readings) as hours
    inner join panel
        on
            hours.asset = panel.asset
            and hours.hour_ended_at >= panel.entered_at
            and (panel.closed_on is null or {{ utc_date("hours.hour_ended_at - interval '1 hour'") }} < panel.closed_on)
    left join readings
        on
            panel.venue = readings.venue
            and panel.asset = readings.asset
            and hours.hour_ended_at = readings.hour_ended_at
    group by hours.asset, hours.hour_ended_at
    having count(*) = count(readings.liquidations_usd)
),

final as (
    {{ weighted_over_assets("per_asset", "reading", at="hour_ended_at") }}
)

select * from final
