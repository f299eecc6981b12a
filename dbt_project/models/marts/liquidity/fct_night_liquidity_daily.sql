{#
    The thin hours of each day against the thick ones. Night is the six thinnest UTC hours as estimated at the start of
    the month, so a day is judged by hours chosen before it: chosen on the day itself, the six lowest of 24 noisy
    figures would always look thin. `night_30d_ratio` is the trailing ratio (L3), whose hours are chosen anew every day.
#}
with hours as (
    select * from {{ ref("int_depth_norms_hourly") }}
    where venue = 'binance'
),

pattern as (
    select * from {{ ref("fct_depth_hour_pattern_monthly") }}
),

monthly as (
    select * from {{ ref("int_night_liquidity_daily") }}
),

marked as (
    select
        hours.asset,
        hours.date,
        hours.hour_of_day,
        hours.depth_1pct_usd,
        hours.low_1pct_usd,
        hours.available_at,
        pattern.estimated_on,
        pattern.is_night,
        pattern.is_day
    from hours
    inner join pattern
        on hours.asset = pattern.asset
        and cast(date_trunc('month', hours.date) as date) = pattern.month
        and hours.hour_of_day = pattern.hour_of_day_index
        and hours.date >= pattern.estimated_on
),

days as (
    select
        asset,
        date,
        max(estimated_on) as estimated_on,
        {{ text_list("case when hour_of_day < 10 then '0' else '' end || cast(hour_of_day as varchar)", "is_night") }}
            as night_hours,
        sum(case when is_night and depth_1pct_usd is not null then 1 else 0 end) as night_hour_count,
        sum(case when is_day and depth_1pct_usd is not null then 1 else 0 end) as day_hour_count,
        {{ median_of("case when is_night then depth_1pct_usd end") }} as night_depth_usd,
        {{ median_of("case when is_day then depth_1pct_usd end") }} as day_depth_usd,
        min(case when is_night then low_1pct_usd end) as lowest_night_depth_usd,
        max(case when hour_of_day = 11 then depth_1pct_usd end) as depth_11h_usd,
        max(case when hour_of_day = 21 then depth_1pct_usd end) as depth_21h_usd,
        {{ value_at_max("hour_of_day", "-depth_1pct_usd") }} as thinnest_hour_index,
        max(available_at) as available_at
    from marked
    group by asset, date
),

final as (
    select
        days.date,
        days.asset,
        days.night_hours,
        days.estimated_on,
        case when days.night_hour_count >= 5 then days.night_depth_usd end as night_depth_usd,
        case when days.day_hour_count >= 5 then days.day_depth_usd end as day_depth_usd,
        case
            when days.night_hour_count >= 5 and days.day_hour_count >= 5 then days.night_depth_usd / days.day_depth_usd
        end as night_ratio,
        monthly.night_ratio as night_30d_ratio,
        days.lowest_night_depth_usd,
        days.thinnest_hour_index,
        days.depth_11h_usd,
        days.depth_21h_usd,
        100.0 * (days.depth_21h_usd / days.depth_11h_usd - 1) as change_21h_to_11h_pct,
        days.available_at
    from days
    left join monthly on days.asset = monthly.asset and days.date = monthly.date
)

select * from final
