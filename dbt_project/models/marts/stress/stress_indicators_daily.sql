{#
    The panel: for every day since an input's first ranked day, its newest rank while that is young enough. A day without
    an observation carries the rank, marked; beyond max_age the input is missing, which is not the same as calm.
#}
with observations as (
    select * from {{ ref("stress_observations") }}
),

register as (
    select * from {{ ref("stress_register") }}
),

calendar as (
    select * from {{ ref("int_stress_calendar") }}
),

-- Of several observations that become usable on one day, the latest period speaks.
speaking as (
    select *
    from (
        select
            *,
            row_number() over (partition by indicator, usable_date order by observed_date desc) as recency
        from observations
    ) as ranked
    where recency = 1
),

days as (
    select
        calendar.date,
        register.indicator,
        register.pillar,
        register.weight,
        register.max_age_days,
        max(speaking.usable_date) over (
            partition by register.indicator order by calendar.date rows between unbounded preceding and current row
        ) as last_usable_date
    from calendar
    cross join register
    left join speaking on register.indicator = speaking.indicator and calendar.date = speaking.usable_date
),

aged as (
    select
        days.date,
        days.indicator,
        days.pillar,
        days.weight,
        speaking.value,
        speaking.z,
        speaking.z_mid,
        speaking.observed_date,
        days.date - days.last_usable_date as age_days,
        days.date > days.last_usable_date as is_carried,
        days.date - days.last_usable_date <= days.max_age_days and speaking.z is not null as is_fresh
    from days
    inner join speaking on days.indicator = speaking.indicator and days.last_usable_date = speaking.usable_date
),

entered as (
    select indicator, min(date) as entered_on from aged where is_fresh group by indicator
),

final as (
    select
        aged.date,
        aged.indicator,
        aged.pillar,
        aged.weight,
        case when aged.is_fresh then aged.value end as value,
        case when aged.is_fresh then aged.z end as z,
        case when aged.is_fresh then aged.z_mid end as z_mid,
        aged.observed_date,
        cast(aged.age_days as integer) as age_days,
        aged.is_carried,
        aged.is_fresh
    from aged
    inner join entered on aged.indicator = entered.indicator and aged.date >= entered.entered_on
)

select * from final
