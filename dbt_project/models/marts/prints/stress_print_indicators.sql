{# The inputs behind each first print: those of the journal, and those of the days that this build prints. #}
with printed as (
    select * from {{ ref("stg_ops__print_indicators") }}
),

new_days as (
    select * from {{ ref("int_new_print_days") }}
),

panel as (
    select * from {{ ref("stress_indicators_daily") }}
),

observations as (
    select * from {{ ref("stress_observations") }}
),

contributions as (
    select * from {{ ref("stress_indicator_contributions_daily") }}
),

final as (
    select
        date,
        indicator,
        pillar,
        weight,
        observed_date,
        value,
        available_at,
        z,
        z_mid,
        age_days,
        is_carried,
        is_fresh,
        points
    from printed
    union all
    select
        panel.date,
        panel.indicator,
        panel.pillar,
        panel.weight,
        panel.observed_date,
        panel.value,
        observations.available_at,
        panel.z,
        panel.z_mid,
        panel.age_days,
        panel.is_carried,
        panel.is_fresh,
        contributions.points
    from panel
    inner join new_days on panel.date = new_days.date
    left join observations on panel.indicator = observations.indicator and panel.observed_date = observations.observed_date
    left join contributions on panel.date = contributions.date and panel.indicator = contributions.indicator
)

select * from final
