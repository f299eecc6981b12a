{# L2 by the hour: mean over three hours of how far the depth within 1 % of mid falls short of its hour of the day. #}
with depth as (
    select * from {{ ref("int_depth_norms_hourly") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

bounds as (
    select min(hour_ended_at) - interval '1 day' as first_at from calendar
),

gaps as (
    select
        depth.asset,
        depth.hour_started_at,
        -ln(depth.depth_1pct_usd / depth.norm_1pct_usd) as gap,
        depth.available_at
    from depth
    inner join bounds on depth.hour_started_at >= bounds.first_at
),

smoothed as (
    select
        asset,
        hour_started_at + interval '1 hour' as hour_ended_at,
        case when count(gap) over last_three = 3 then avg(gap) over last_three end as gap,
        max(available_at) over last_three as available_at
    from gaps
    window last_three as (
        partition by asset order by hour_started_at range between interval '2 hours' preceding and current row
    )
),

per_asset as (
    select smoothed.*
    from smoothed
    inner join calendar on smoothed.hour_ended_at = calendar.hour_ended_at
),

final as (
    {{ weighted_over_assets("per_asset", "gap", at="hour_ended_at") }}
)

select * from final
