{# Why the index had changed since the day before, as the run that printed the day had it. #}
{{ config(materialized="table") }}

with printed as (
    select * from {{ ref("stg_ops__print_terms") }}
),

new_days as (
    select * from {{ ref("int_new_print_days") }}
),

changes as (
    select * from {{ ref("stress_changes_daily") }}
),

final as (
    select date, term, pillar_i, pillar_j, points from printed
    union all
    select changes.date, changes.term, changes.pillar_i, changes.pillar_j, changes.points
    from changes
    inner join new_days on changes.date = new_days.date
)

select * from final
