{#
    N2: readers of an article in a week against the 90 days before it, in standard deviations of those days. Logarithms,
    because attention comes in multiples. All seven days and 80 of the 90 must be there.
#}
with views as (
    select
        article,
        date,
        case when view_count > 0 then ln(view_count) end as log_views,
        available_at
    from {{ ref("stg_wikipedia__pageviews") }}
),

windows as (
    select
        article,
        date,
        count(log_views) over week as week_count,
        avg(log_views) over week as week_mean,
        count(log_views) over before as before_count,
        avg(log_views) over before as before_mean,
        stddev_samp(log_views) over before as before_deviation,
        max(available_at) over (
            partition by article order by date range between interval '96 days' preceding and current row
        ) as available_at
    from views
    window
        week as (partition by article order by date range between interval '6 days' preceding and current row),
        before as (
            partition by article order by date
            range between interval '96 days' preceding and interval '7 days' preceding
        )
),

final as (
    select
        date as observed_date,
        article as scope,
        case
            when week_count = 7 and before_count >= 80 then (week_mean - before_mean) / nullif(before_deviation, 0.0)
        end as value,
        available_at
    from windows
)

select * from final
