{# The correlations behind each first print, one order of each pair; the other is the same and the diagonal is 1. #}
with printed as (
    select * from {{ ref("stg_ops__print_correlations") }}
),

new_days as (
    select * from {{ ref("int_new_print_days") }}
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
    where pillar_i < pillar_j
),

final as (
    select date, pillar_i, pillar_j, rho from printed
    union all
    select correlations.date, correlations.pillar_i, correlations.pillar_j, correlations.rho
    from correlations
    inner join new_days on correlations.date = new_days.date
)

select * from final
