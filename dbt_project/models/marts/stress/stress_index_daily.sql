{# The Crypto Market Stress Index, one row per printed day: how stressed, how sure, and what was missing. #}
with daily as (
    select * from {{ ref("int_index_daily") }}
    where variant = 'cmsi'
),

regimes as (
    select * from {{ ref("int_stress_regimes") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        daily.date,
        market.market,
        daily.value as cmsi,
        daily.percentile,
        daily.q,
        daily.linear_bound,
        daily.discount,
        daily.mean_correlation,
        daily.coverage,
        daily.status,
        regimes.regime,
        daily.pillar_alarms,
        daily.stale_inputs,
        daily.missing_reasons,
        '{{ var("method_version") }}' as method_version
    from daily
    cross join market
    left join regimes on daily.date = regimes.date
)

select * from final
