{{ config(materialized="table") }}

{# Step 4: Q = x'Cx and the print 100 * sqrt(Q). #}
with exposures as (
    select * from {{ ref("int_stress_exposures") }}
),

totals as (
    select
        date,
        greatest(sum(exposure * marginal), 0.0) as q,
        100.0 * sum(exposure) as linear_bound,
        sum(weight) as coverage,
        count(*) as pillar_count
    from exposures
    group by date
),

final as (
    select
        date,
        100.0 * sqrt(q) as cmsi,
        q,
        linear_bound,
        linear_bound - 100.0 * sqrt(q) as discount,
        coverage,
        case when coverage >= 5.0 / 6.0 - 1e-12 then 'official' else 'degraded' end as status,
        pillar_count
    from totals
)

select * from final
