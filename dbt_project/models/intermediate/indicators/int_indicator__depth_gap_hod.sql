{#
    L2: how far the depth within 1 % of mid falls short of what its hour of the day has had over the 30 days before (log
    of the ratio to their median); three-hour means, the worst of the day. Comparing like hours keeps the nightly
    thinning of the book from reading as stress.
#}
with depth as (
    select * from {{ ref("int_book_depth_hourly") }}
    where band_pct in (-1, 1)
),

hours as (
    select
        asset,
        date,
        hour_started_at,
        extract(hour from hour_started_at) as hour_of_day,
        case when count(depth_usd) = 2 and sum(depth_usd) > 0 then sum(depth_usd) end as depth_usd,
        max(available_at) as available_at
    from depth
    group by asset, date, hour_started_at
),

norms as (
    select
        *,
        {{ median_over("depth_usd", "same_hour_before") }} as norm_usd,
        count(depth_usd) over same_hour_before as norm_count
    from hours
    window same_hour_before as (
        partition by asset, hour_of_day order by date
        range between interval '30 days' preceding and interval '1 day' preceding
    )
),

gaps as (
    select
        asset,
        date,
        hour_started_at,
        case when norm_count >= 20 then -ln(depth_usd / norm_usd) end as gap,
        available_at
    from norms
),

smoothed as (
    select
        asset,
        date,
        case when count(gap) over last_three = 3 then avg(gap) over last_three end as gap,
        available_at
    from gaps
    window last_three as (
        partition by asset order by hour_started_at range between interval '2 hours' preceding and current row
    )
),

per_asset as (
    select
        asset,
        date,
        case when count(gap) >= 20 then max(gap) end as gap,
        max(available_at) as available_at
    from smoothed
    group by asset, date
),

final as (
    {{ weighted_over_assets("per_asset", "gap") }}
)

select * from final
