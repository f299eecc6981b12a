{#
    Step 3: exponentially weighted moments of the mid scores around one half, the median of a rank, one decay per valid
    day of a pillar. Written in rescaled units the recursion is a running sum: with N_i the number of valid days so far,
        S_ij(t) = l^((N_i+N_j)/2) * [ S0_ij + (1-l) * sum over s<=t of l^(-(N_i(s)+N_j(s))/2) * y_i(s) * y_j(s) ].
    The exponents stay within a double for about 20,000 days.
#}
{% set decay = var("ewma_decay") %}
{% set log_decay = "ln(" ~ decay ~ ")" %}

with pillars as (
    select * from {{ ref("pillars") }}
),

calendar as (
    select * from {{ ref("int_stress_calendar") }}
),

scores as (
    select * from {{ ref("stress_pillars_daily") }}
),

days as (
    select
        calendar.date,
        pillars.pillar,
        pillars.position,
        case when coalesce(scores.is_valid, false) then scores.mid_score - 0.5 else 0.0 end as deviation,
        sum(case when coalesce(scores.is_valid, false) then 1 else 0 end) over (
            partition by pillars.pillar order by calendar.date rows between unbounded preceding and current row
        ) as valid_day_count
    from calendar
    cross join pillars
    left join scores on calendar.date = scores.date and pillars.pillar = scores.pillar
),

pairs as (
    select
        one.date,
        one.pillar as pillar_i,
        two.pillar as pillar_j,
        (one.valid_day_count + two.valid_day_count) / 2.0 as age,
        (case when one.pillar = two.pillar then 1.0 else {{ var("prior_correlation") }} end) / 12.0 as prior,
        one.deviation * two.deviation as product
    from days as one
    inner join days as two on one.date = two.date and one.position <= two.position
),

moments as (
    select
        date,
        pillar_i,
        pillar_j,
        exp(age * {{ log_decay }}) * (
            prior
            + (1 - {{ decay }}) * sum(exp(-age * {{ log_decay }}) * product) over (
                partition by pillar_i, pillar_j order by date rows between unbounded preceding and current row
            )
        ) as moment
    from pairs
),

upper_half as (
    select
        moments.date,
        moments.pillar_i,
        moments.pillar_j,
        case
            when moments.pillar_i = moments.pillar_j then 1.0
            else moments.moment / sqrt(variance_i.moment * variance_j.moment)
        end as rho
    from moments
    inner join moments as variance_i
        on
            moments.date = variance_i.date
            and moments.pillar_i = variance_i.pillar_i
            and variance_i.pillar_i = variance_i.pillar_j
    inner join moments as variance_j
        on
            moments.date = variance_j.date
            and moments.pillar_j = variance_j.pillar_i
            and variance_j.pillar_i = variance_j.pillar_j
),

final as (
    select date, pillar_i, pillar_j, rho from upper_half
    union all
    select date, pillar_j as pillar_i, pillar_i as pillar_j, rho from upper_half where pillar_i <> pillar_j
)

select * from final
