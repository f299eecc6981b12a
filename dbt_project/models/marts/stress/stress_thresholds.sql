{#
    Lower bounds of the regimes: quantiles of the prints up to the freezing day. With too few prints by then there are no
    thresholds and so no regimes: a quantile of a handful of days would be invented precision.
#}
with prints as (
    select * from {{ ref("int_index_prints") }}
    where variant = 'cmsi' and date <= date '{{ var("regimes_frozen_on") }}'
),

regimes as (
    select * from {{ ref("stress_regimes") }}
),

quantiles as (
    select
        percentile_cont(0.5) within group (order by value) as elevated_from,
        percentile_cont(0.8) within group (order by value) as high_from,
        percentile_cont(0.95) within group (order by value) as severe_from,
        count(*) as print_count
    from prints
),

final as (
    select
        regimes.regime,
        cast(regimes.level as integer) as level,
        regimes.quantile,
        case regimes.regime
            when 'calm' then 0.0
            when 'elevated' then quantiles.elevated_from
            when 'high' then quantiles.high_from
            when 'severe' then quantiles.severe_from
        end as lower_bound,
        date '{{ var("regimes_frozen_on") }}' as frozen_on,
        quantiles.print_count,
        '{{ var("method_version") }}' as method_version
    from regimes
    cross join quantiles
    where quantiles.print_count >= {{ var("regimes_min_prints") }}
)

select * from final
