{{ config(materialized="table") }}

{#
    What each predictor said at the cut-off of each day, from what was available by then. A figure is carried for its
    declared number of days; after that the predictor says nothing. Larger is more stress.
#}
with calendar as (
    select * from {{ ref("int_index_calendar") }}
),

predictors as (
    select * from {{ ref("scorecard_predictors") }}
),

readings as (
    select * from {{ ref("int_scorecard_readings") }}
),

prints as (
    select * from {{ ref("stress_index_daily") }}
),

variants as (
    select * from {{ ref("int_scorecard_variants") }}
),

sensitivities as (
    select * from {{ ref("index_sensitivities_daily") }}
    where variant in ('cmsi_decay_094', 'cmsi_decay_099', 'cmsi_expanding', 'cmsi_equal_inputs')
),

pillars as (
    select * from {{ ref("stress_pillars_daily") }}
    where is_usable
),

-- Of several figures that become usable on one day, the latest period is the day's.
usable as (
    select
        predictor,
        {{ usable_date("available_at") }} as usable_date,
        {{ value_at_max("value", "observed_date") }} as value
    from readings
    group by predictor, {{ usable_date("available_at") }}
),

days as (
    select
        calendar.date,
        predictors.predictor,
        predictors.max_age_days,
        usable.value,
        max(usable.usable_date) over (
            partition by predictors.predictor order by calendar.date rows between unbounded preceding and current row
        ) as newest_date
    from calendar
    cross join predictors
    left join usable on predictors.predictor = usable.predictor and calendar.date = usable.usable_date
),

carried as (
    select
        days.date,
        days.predictor,
        usable.value
    from days
    inner join usable on days.predictor = usable.predictor and days.newest_date = usable.usable_date
    where days.newest_date >= days.date - days.max_age_days * interval '1 day'
),

final as (
    select date, predictor, value from carried
    union all
    select date, 'cmsi' as predictor, cmsi as value from prints where cmsi is not null
    union all
    select date, 'linear_mean' as predictor, linear_bound as value from prints where cmsi is not null
    union all
    select
        date,
        'cmsi_without_price' as predictor,
        value
    from variants
    where without_pillar = 'price_volatility'
    union all
    -- Leaving out a pillar that has no part in a day's print would leave out nothing.
    select
        variants.date,
        'cmsi_without_' || variants.without_pillar as predictor,
        variants.value
    from variants
    inner join pillars on variants.date = pillars.date and variants.without_pillar = pillars.pillar
    where variants.without_pillar <> 'price_volatility'
    union all
    select date, variant as predictor, value from sensitivities
    union all
    select date, 'pillar_' || pillar as predictor, score as value from pillars
)

select * from final
