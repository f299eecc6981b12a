{{ config(materialized="table") }}

{#
    Between what and what liquidations of a day lie at the venues that sum their own: what they report, and what their open
    interest lost hour by hour, whoever closed. A venue joins on its first whole day and stays until it closes; a day on
    which one of them lacks an hour has no bounds.
#}
with liquidations as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source in ('gate__contract_stats', 'kraken_futures__liquidation_volume')
),

falls as (
    select * from {{ ref("int_open_interest_falls_hourly") }}
    where venue in ('gate', 'kraken')
),

venues as (
    select * from {{ ref("universe_venues") }}
),

days as (
    select
        liquidations.venue,
        liquidations.asset,
        liquidations.date,
        sum(liquidations.total_usd) as low_usd,
        sum(greatest(falls.fall_usd, liquidations.total_usd)) as high_usd,
        max(greatest(liquidations.available_at, falls.available_at)) as available_at
    from liquidations
    inner join falls
        on
            liquidations.venue = falls.venue
            and liquidations.asset = falls.asset
            and liquidations.hour_started_at = falls.hour_started_at
    group by liquidations.venue, liquidations.asset, liquidations.date
    having count(liquidations.total_usd) = 24
),

panel as (
    select days.venue, days.asset, min(days.date) as entered_on, min(venues.valid_to) as closed_on
    from days
    left join venues on days.venue = venues.venue
    group by days.venue, days.asset
),

final as (
    select
        calendar.asset,
        calendar.date,
        sum(days.low_usd) as low_usd,
        sum(days.high_usd) as high_usd,
        max(days.available_at) as available_at
    from (select distinct asset, date from days) as calendar
    inner join panel
        on
            calendar.asset = panel.asset
            and calendar.date >= panel.entered_on
            and (panel.closed_on is null or calendar.date < panel.closed_on)
    left join days on panel.venue = days.venue and panel.asset = days.asset and calendar.date = days.date
    group by calendar.asset, calendar.date
    having count(*) = count(days.low_usd)
)

select * from final
