{# The pillars behind each first print: those of the journal, and those of the days that this build prints. #}
with printed as (
    select * from {{ ref("stg_ops__print_pillars") }}
),

new_days as (
    select * from {{ ref("int_new_print_days") }}
),

scores as (
    select * from {{ ref("stress_pillars_daily") }}
),

contributions as (
    select * from {{ ref("stress_contributions_daily") }}
),

pillars as (
    select * from {{ ref("pillars") }}
),

final as (
    select
        date,
        pillar,
        weight,
        score,
        mid_score,
        is_valid,
        is_usable,
        fresh_weight_ratio,
        points
    from printed
    union all
    select
        scores.date,
        scores.pillar,
        pillars.weight,
        scores.score,
        scores.mid_score,
        scores.is_valid,
        scores.is_usable,
        scores.fresh_weight_ratio,
        contributions.points
    from scores
    inner join new_days on scores.date = new_days.date
    inner join pillars on scores.pillar = pillars.pillar
    left join contributions on scores.date = contributions.date and scores.pillar = contributions.pillar
)

select * from final
