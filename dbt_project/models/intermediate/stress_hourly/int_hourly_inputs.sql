{{ config(materialized="table") }}

{#
    Step 1 and the panel by the hour. A reading is ranked among those of the same hour of the week in the trailing 90 days: the market
    has a daily and a weekly rhythm, and like must be compared with like. That leaves 13 readings, so a rank moves in
    steps of a thirteenth and one needs ten of them.
#}
with readings as (
    select * from {{ ref("int_hourly_readings") }}
),

register as (
    select * from {{ ref("hourly_register") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

registered as (
    select
        'cmsi_hourly' as panel,
        readings.indicator,
        readings.observed_hour,
        readings.usable_hour,
        mod(readings.observed_hour, 168) as hour_of_week,
        readings.value,
        register.is_zero_inflated,
        register.min_observations
    from readings
    inner join register on readings.indicator = register.indicator
),

observations as (
    {{ index_ranks(
        "registered",
        "indicator, hour_of_week",
        "usable_hour",
        "range between " ~ (24 * var("hourly_rank_window_days") - 1) ~ " preceding and current row"
    ) }}
),

members as (
    select
        'cmsi_hourly' as panel,
        indicator,
        pillar,
        weight,
        max_age_hours as max_age
    from register
),

panel as (
    {{ index_panel("observations", "members", "calendar", "hour") }}
),

final as (
    select
        panel,
        hour,
        indicator,
        pillar,
        weight,
        value,
        z,
        z_mid,
        observed_hour,
        age as age_hours,
        is_carried,
        is_fresh
    from panel
)

select * from final
