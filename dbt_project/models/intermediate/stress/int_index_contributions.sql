{# Step 5: Euler contributions 100 * x_i * (Cx)_i / sqrt(Q); they add up to the print and may be negative. #}
with exposures as (
    select * from {{ ref("int_index_exposures") }}
),

prints as (
    select * from {{ ref("int_index_prints") }}
),

final as (
    select
        exposures.variant,
        exposures.date,
        exposures.pillar,
        case when prints.q > 0 then 100.0 * exposures.exposure * exposures.marginal / sqrt(prints.q) else 0.0 end as points
    from exposures
    inner join prints on exposures.variant = prints.variant and exposures.date = prints.date
)

select * from final
