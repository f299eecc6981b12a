{#
    Which hours of the day are thin. Ordered anew on the first day of every month that has the 30 days before it for all
    24 hours; from the depth within 1 % of mid on the perpetual book of Binance. Nothing in it is later than that day.
#}
with hours as (
    select * from {{ ref("int_depth_norms_hourly") }}
    where venue = 'binance'
),

days as (
    select
        asset,
        date
    from hours
    group by asset, date
    having count(norm_1pct_usd) = 24
),

first_days as (
    select
        asset,
        min(date) as estimated_on
    from days
    group by asset, date_trunc('month', date)
),

final as (
    select
        hours.asset,
        cast(date_trunc('month', hours.date) as date) as month,
        hours.hour_of_day as hour_of_day_index,
        first_days.estimated_on,
        hours.norm_1pct_usd as depth_1pct_usd,
        hours.norm_1pct_usd / avg(hours.norm_1pct_usd) over of_month as relative_depth_ratio,
        cast(row_number() over (
            partition by hours.asset, hours.date order by hours.norm_1pct_usd, hours.hour_of_day
        ) as integer) as thinness_index,
        row_number() over (partition by hours.asset, hours.date order by hours.norm_1pct_usd, hours.hour_of_day) <= 6
            as is_night,
        row_number() over (partition by hours.asset, hours.date order by hours.norm_1pct_usd, hours.hour_of_day) >= 19
            as is_day
    from first_days
    inner join hours on first_days.asset = hours.asset and first_days.estimated_on = hours.date
    window of_month as (partition by hours.asset, hours.date)
)

select * from final
