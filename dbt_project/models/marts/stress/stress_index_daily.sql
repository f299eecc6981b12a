{# The Crypto Market Stress Index, one row per printed day: how stressed, how sure, and what was missing. #}
with prints as (
    select * from {{ ref("int_stress_prints") }}
),

regimes as (
    select * from {{ ref("int_stress_regimes") }}
),

scores as (
    select * from {{ ref("stress_pillars_daily") }}
),

correlations as (
    select * from {{ ref("stress_correlations_daily") }}
),

exposures as (
    select * from {{ ref("int_stress_exposures") }}
),

indicators as (
    select * from {{ ref("stress_indicators_daily") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

ranked as (
    select
        *,
        100.0 * {{ count_not_above("cmsi", "rank_window") }} / count(*) over rank_window as percentile
    from prints
    window rank_window as (
        order by date range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

mean_correlations as (
    select
        one.date,
        avg(correlations.rho) as mean_correlation
    from exposures as one
    inner join exposures as two on one.date = two.date and one.pillar < two.pillar
    inner join correlations
        on one.date = correlations.date and one.pillar = correlations.pillar_i and two.pillar = correlations.pillar_j
    group by one.date
),

alarms as (
    select
        date,
        {{ text_list("pillar", "is_valid and score >= " ~ var("pillar_alarm_score")) }} as pillar_alarms
    from scores
    group by date
),

gaps as (
    select
        date,
        {{ text_list("indicator", "not is_fresh") }} as stale_inputs,
        {{ text_list("indicator || ': newest figure describes ' || observed_date || ', usable ' || age_days || ' days ago'", "not is_fresh") }}
            as missing_reasons
    from indicators
    group by date
),

final as (
    select
        ranked.date,
        market.market,
        ranked.cmsi,
        ranked.percentile,
        ranked.q,
        ranked.linear_bound,
        ranked.discount,
        mean_correlations.mean_correlation,
        ranked.coverage,
        ranked.status,
        regimes.regime,
        alarms.pillar_alarms,
        gaps.stale_inputs,
        gaps.missing_reasons,
        '{{ var("method_version") }}' as method_version
    from ranked
    cross join market
    left join regimes on ranked.date = regimes.date
    left join mean_correlations on ranked.date = mean_correlations.date
    left join alarms on ranked.date = alarms.date
    left join gaps on ranked.date = gaps.date
)

select * from final
