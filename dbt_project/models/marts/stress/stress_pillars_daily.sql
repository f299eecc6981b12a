{# Step 2: the mean of the fresh ranks, valid while at least half of the panel's weight is fresh. #}
with indicators as (
    select * from {{ ref("stress_indicators_daily") }}
),

scored as (
    select
        date,
        pillar,
        sum(case when is_fresh then weight * z end) / sum(case when is_fresh then weight end) as score,
        sum(case when is_fresh then weight * z_mid end) / sum(case when is_fresh then weight end) as mid_score,
        coalesce(sum(case when is_fresh then weight end), 0) / sum(weight) as fresh_weight_ratio
    from indicators
    group by date, pillar
),

validated as (
    select
        *,
        score is not null and fresh_weight_ratio >= {{ var("pillar_fresh_share") }} - 1e-12 as is_valid
    from scored
),

counted as (
    select
        *,
        sum(case when is_valid then 1 else 0 end) over (
            partition by pillar order by date rows between unbounded preceding and current row
        ) as valid_day_count
    from validated
),

final as (
    select
        date,
        pillar,
        score,
        mid_score,
        is_valid,
        is_valid and valid_day_count > {{ var("burn_in_days") }} as is_usable,
        fresh_weight_ratio
    from counted
)

select * from final
