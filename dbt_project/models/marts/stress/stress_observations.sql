{#
    Step 1: each observation is ranked once, on the day it became usable, among the observations that became usable in the
    trailing window, itself and those of the same day included. Nothing that arrives later changes the rank of a day.
#}
with readings as (
    select * from {{ ref("int_indicator_values") }}
),

register as (
    select * from {{ ref("stress_register") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

usable as (
    select
        {{ usable_date("readings.available_at") }} as usable_date,
        readings.observed_date,
        readings.indicator,
        register.pillar,
        readings.value,
        readings.available_at,
        register.is_zero_inflated,
        register.min_observations
    from readings
    inner join register on readings.indicator = register.indicator
    inner join market on {{ usable_date("readings.available_at") }} <= market.last_closed_date
),

counted as (
    select
        *,
        count(*) over rank_window as window_count,
        {{ count_below("value", "rank_window") }} as below_count,
        {{ count_not_above("value", "rank_window") }} as not_above_count
    from usable
    window rank_window as (
        partition by indicator order by usable_date
        range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

final as (
    select
        usable_date,
        observed_date,
        indicator,
        pillar,
        value,
        case
            when window_count < min_observations then null
            when is_zero_inflated then cast(below_count as double) / window_count
            else (cast(below_count as double) + not_above_count) / 2 / window_count
        end as z,
        case
            when window_count >= min_observations then (cast(below_count as double) + not_above_count) / 2 / window_count
        end as z_mid,
        window_count,
        available_at
    from counted
)

select * from final
