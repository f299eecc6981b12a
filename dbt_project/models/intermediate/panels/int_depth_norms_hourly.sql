{{ config(materialized="table") }}

{#
    Depth of the perpetual book by hour against what its hour of the day usually has. `norm` is the median of the same
    UTC hour over the 30 days before (20 of them needed), today left out, so that a thin day is not its own yardstick.
    `usual` is the same median with today in: what tells thin hours of the day from thick ones.
#}
with depth as (
    select * from {{ ref("int_book_depth_hourly") }}
    where band_pct in (-4, -1, 1, 4)
),

sides as (
    select
        asset,
        date,
        hour_started_at,
        cast(extract(hour from hour_started_at) as integer) as hour_of_day,
        max(case when band_pct = -1 and depth_usd > 0 then depth_usd end) as bid_1pct_usd,
        max(case when band_pct = 1 and depth_usd > 0 then depth_usd end) as ask_1pct_usd,
        max(case when band_pct = -4 and depth_usd > 0 then depth_usd end) as bid_4pct_usd,
        max(case when band_pct = 4 and depth_usd > 0 then depth_usd end) as ask_4pct_usd,
        max(available_at) as available_at
    from depth
    group by asset, date, hour_started_at
),

hours as (
    select
        *,
        bid_1pct_usd + ask_1pct_usd as depth_1pct_usd,
        bid_4pct_usd + ask_4pct_usd as depth_4pct_usd
    from sides
),

medians as (
    select
        *,
        {{ median_over("depth_1pct_usd", "month_before") }} as median_1pct_usd,
        {{ median_over("bid_1pct_usd", "month_before") }} as median_bid_1pct_usd,
        {{ median_over("ask_1pct_usd", "month_before") }} as median_ask_1pct_usd,
        {{ median_over("depth_4pct_usd", "month_before") }} as median_4pct_usd,
        {{ median_over("depth_1pct_usd", "month") }} as usual_median_1pct_usd,
        count(depth_1pct_usd) over month_before as norm_1pct_count,
        count(depth_4pct_usd) over month_before as norm_4pct_count,
        count(depth_1pct_usd) over month as usual_1pct_count
    from hours
    window
        month_before as (
            partition by asset, hour_of_day order by date
            range between interval '30 days' preceding and interval '1 day' preceding
        ),
        month as (
            partition by asset, hour_of_day order by date range between interval '29 days' preceding and current row
        )
),

final as (
    select
        asset,
        date,
        hour_started_at,
        hour_of_day,
        bid_1pct_usd,
        ask_1pct_usd,
        depth_1pct_usd,
        depth_4pct_usd,
        case when norm_1pct_count >= 20 then median_1pct_usd end as norm_1pct_usd,
        case when norm_1pct_count >= 20 then median_bid_1pct_usd end as norm_bid_1pct_usd,
        case when norm_1pct_count >= 20 then median_ask_1pct_usd end as norm_ask_1pct_usd,
        case when norm_4pct_count >= 20 then median_4pct_usd end as norm_4pct_usd,
        case when usual_1pct_count >= 20 then usual_median_1pct_usd end as usual_1pct_usd,
        available_at
    from medians
)

select * from final
