{{ config(materialized="table") }}

{#
    Hours of the nowcast, the last one the newest whose half hour of grace has passed. Before the hours that are published
    lie those in which the correlations forget where they began, and before them those that only fill rank windows.
#}
{% set hours_back = 24 * (var("hourly_published_days") + var("hourly_warm_up_days") + var("hourly_rank_window_days")) %}

with market as (
    select
        date_trunc('hour', now_at - interval '{{ var("cutoff_minutes") }} minutes') as last_hour_ended_at
    from {{ ref("stg_ops__market") }}
),

days as (
    {{ date_rows(
        "(select " ~ utc_date("last_hour_ended_at - interval '" ~ hours_back ~ " hours'") ~ " from market)",
        "(select " ~ utc_date("last_hour_ended_at") ~ " from market)"
    ) }}
),

hours as (
    {% for hour in range(24) %}
    select cast(date as timestamp with time zone) + interval '{{ hour }} hours' as hour_ended_at from days
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        hours.hour_ended_at,
        {{ hour_number("hours.hour_ended_at") }} as hour,
        hours.hour_ended_at > market.last_hour_ended_at - interval '{{ 24 * var("hourly_published_days") }} hours' as is_published
    from hours
    cross join market
    where
        hours.hour_ended_at > market.last_hour_ended_at - interval '{{ hours_back }} hours'
        and hours.hour_ended_at <= market.last_hour_ended_at
)

select * from final
