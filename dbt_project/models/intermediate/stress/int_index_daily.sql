{# A headline index by day with what stands beside the print: its percentile, co-movement, alarms and what was missing. #}
with variants as (
    select * from {{ ref("index_variants") }}
    where is_headline
),

panels as (
    select distinct
        weights.variant,
        weights.panel,
        weights.ewma_decay
    from {{ ref("int_index_weights") }} as weights
    inner join variants on weights.variant = variants.variant
),

prints as (
    select * from {{ ref("int_index_prints") }}
),

scores as (
    select * from {{ ref("int_index_pillars") }}
),

correlations as (
    select * from {{ ref("int_index_correlations") }}
),

exposures as (
    select * from {{ ref("int_index_exposures") }}
),

inputs as (
    select * from {{ ref("int_index_inputs") }}
),

ranked as (
    select
        *,
        100.0 * {{ count_not_above("value", "rank_window") }} / count(*) over rank_window as percentile
    from prints
    window rank_window as (
        partition by variant order by date
        range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

mean_correlations as (
    select
        one.variant,
        one.date,
        {{ exact_sum("correlations.rho") }} / count(*) as mean_correlation
    from exposures as one
    inner join exposures as two on one.variant = two.variant and one.date = two.date and one.pillar < two.pillar
    inner join panels on one.variant = panels.variant
    inner join correlations
        on
            panels.panel = correlations.panel
            and panels.ewma_decay = correlations.ewma_decay
            and one.date = correlations.date
            and one.pillar = correlations.pillar_i
            and two.pillar = correlations.pillar_j
    group by one.variant, one.date
),

alarms as (
    select
        panel,
        date,
        {{ text_list("pillar", "is_valid and score >= " ~ var("pillar_alarm_score")) }} as pillar_alarms
    from scores
    group by panel, date
),

gaps as (
    select
        panel,
        date,
        {{ text_list("indicator", "not is_fresh") }} as stale_inputs,
        {{ text_list("indicator || ': newest figure describes ' || observed_date || ', usable ' || age_days || ' days ago'", "not is_fresh") }}
            as missing_reasons
    from inputs
    group by panel, date
),

final as (
    select
        ranked.variant,
        ranked.date,
        ranked.value,
        ranked.percentile,
        ranked.q,
        ranked.linear_bound,
        ranked.discount,
        mean_correlations.mean_correlation,
        ranked.coverage,
        ranked.status,
        alarms.pillar_alarms,
        gaps.stale_inputs,
        gaps.missing_reasons
    from ranked
    inner join panels on ranked.variant = panels.variant
    left join mean_correlations on ranked.variant = mean_correlations.variant and ranked.date = mean_correlations.date
    left join alarms on panels.panel = alarms.panel and ranked.date = alarms.date
    left join gaps on panels.panel = gaps.panel and ranked.date = gaps.date
)

select * from final
