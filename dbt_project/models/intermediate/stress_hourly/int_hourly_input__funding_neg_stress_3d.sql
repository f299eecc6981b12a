{#
    D5 by the hour: how far funding per 8 hours over the last 72, weighted by open interest, is below zero, in basis points.
    It moves when funding is settled and is carried until the next settlement.
#}
with funding as (
    select * from {{ ref("int_funding_rates") }}
    where interval_hours > 0
),

open_interest as (
    select * from {{ ref("int_open_interest_hourly") }}
    where open_interest_usd > 0
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '4 days' as first_at from calendar
),

-- Venues stamp a settlement some milliseconds after its hour.
settlements as (
    select
        funding.asset,
        date_trunc('hour', funding.settled_at) as hour_ended_at,
        funding.funding_rate,
        funding.interval_hours,
        funding.available_at
    from funding
    inner join bounds on funding.settled_at >= bounds.first_at
),

windows as (
    select
        asset,
        hour_ended_at,
        8.0 * sum(funding_rate) over last_three_days / sum(interval_hours) over last_three_days as funding_8h_ratio,
        sum(interval_hours) over last_three_days as covered_hours,
        max(available_at) over last_three_days as available_at
    from settlements
    window last_three_days as (
        partition by asset order by hour_ended_at range between interval '71 hours' preceding and current row
    )
),

panel as (
    select distinct asset from settlements
),

weighted as (
    select
        calendar.hour_ended_at,
        sum(windows.funding_8h_ratio * open_interest.open_interest_usd) / sum(open_interest.open_interest_usd)
            as funding_8h_ratio,
        count(*) as asset_count,
        sum(case when windows.covered_hours >= 72 and open_interest.open_interest_usd > 0 then 1 else 0 end) as whole_count,
        greatest(max(windows.available_at), max(open_interest.available_at)) as available_at
    from calendar
    inner join (select distinct hour_ended_at from settlements) as settled on calendar.hour_ended_at = settled.hour_ended_at
    cross join panel
    left join windows on calendar.hour_ended_at = windows.hour_ended_at and panel.asset = windows.asset
    left join open_interest
        on
            panel.asset = open_interest.asset
            and calendar.hour_ended_at = open_interest.hour_started_at + interval '1 hour'
    group by calendar.hour_ended_at
),

final as (
    select
        hour_ended_at,
        1e4 * greatest(0.0, -funding_8h_ratio) as value,
        available_at
    from weighted
    where whole_count = asset_count
)

select * from final
