{#
    D6 by asset: what venues that sum their own liquidations closed by force in a day, in per cent of what was open there at
    its start. The same venues above and below the line. A venue joins on the first day it has both and stays until it
    closes; a day on which one of them lacks an hour, or its opening, has no value: what is left would look calm.
#}
with liquidations as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source in ('gate__contract_stats', 'kraken_futures__liquidation_volume')
),

open_interest as (
    select * from {{ ref("int_venue_open_interest_daily") }}
),

venues as (
    select * from {{ ref("universe_venues") }}
),

days as (
    select
        venue,
        asset,
        date,
        case when count(total_usd) = 24 then sum(total_usd) end as liquidations_usd,
        max(available_at) as available_at
    from liquidations
    group by venue, asset, date
),

readings as (
    select
        days.venue,
        days.asset,
        days.date,
        days.liquidations_usd,
        opening.open_interest_usd as opening_usd,
        greatest(days.available_at, opening.available_at) as available_at
    from days
    inner join open_interest as opening
        on
            days.venue = opening.venue
            and days.asset = opening.asset
            and {{ days_before("days.date", 1) }} = opening.date
    where days.liquidations_usd is not null and opening.open_interest_usd > 0
),

panel as (
    select
        readings.venue,
        readings.asset,
        min(readings.date) as entered_on,
        min(venues.valid_to) as closed_on
    from readings
    left join venues on readings.venue = venues.venue
    group by readings.venue, readings.asset
),

final as (
    select
        calendar.date as observed_date,
        calendar.asset as scope,
        100.0 * sum(readings.liquidations_usd) / sum(readings.opening_usd) as value,
        max(readings.available_at) as available_at
    from (select distinct asset, date from readings) as calendar
    inner join panel
        on
            calendar.asset = panel.asset
            and calendar.date >= panel.entered_on
            and (panel.closed_on is null or calendar.date < panel.closed_on)
    left join readings
        on panel.venue = readings.venue and panel.asset = readings.asset and calendar.date = readings.date
    group by calendar.asset, calendar.date
    having count(*) = count(readings.liquidations_usd)
)

select * from final
