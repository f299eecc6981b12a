{#
    CMSI-H, experimental: the stress that shows within the day, from the inputs that exist by the hour, by the steps of the
    daily index with a decay of 0.99 per hour. It has four of the six pillars and is no substitute for the daily print.
#}
with inputs as (
    select * from {{ ref("int_hourly_inputs") }}
),

register as (
    select * from {{ ref("hourly_register") }}
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

scores as (
    {{ index_scores("inputs", "hour", var("hourly_burn_in_hours")) }}
),

pillars as (
    select
        'cmsi_hourly' as panel,
        pillar,
        row_number() over (order by pillar) as position
    from (select distinct pillar from register) as names
),

decays as (
    select 'cmsi_hourly' as panel, cast({{ var("hourly_ewma_decay") }} as double) as ewma_decay
),

correlations as (
    {{ index_correlations("scores", "pillars", "decays", "calendar", "hour") }}
),

weights as (
    select
        'cmsi_hourly' as variant,
        pillars.panel,
        decays.ewma_decay,
        pillars.pillar,
        1.0 / count(*) over () as weight
    from pillars
    cross join decays
),

exposures as (
    {{ index_exposures("scores", "correlations", "weights", "hour") }}
),

prints as (
    {{ index_prints("exposures", "hour") }}
),

pillar_scores as (
    select
        hour,
        max(case when pillar = 'derivatives' then score end) as derivatives_score,
        max(case when pillar = 'liquidity' then score end) as liquidity_score,
        max(case when pillar = 'price_volatility' then score end) as price_volatility_score,
        max(case when pillar = 'onchain_defi' then score end) as onchain_defi_score
    from scores
    where is_usable
    group by hour
),

gaps as (
    select
        hour,
        cast(sum(case when is_fresh then 1 else 0 end) as integer) as input_count,
        {{ text_list("indicator", "not is_fresh") }} as stale_inputs
    from inputs
    group by hour
),

final as (
    select
        calendar.hour_ended_at,
        {{ utc_date("calendar.hour_ended_at - interval '1 hour'") }} as date,
        market.market,
        prints.value as cmsi_h,
        prints.linear_bound,
        prints.coverage,
        cast(prints.pillar_count as integer) as pillar_count,
        gaps.input_count,
        pillar_scores.derivatives_score,
        pillar_scores.liquidity_score,
        pillar_scores.price_volatility_score,
        pillar_scores.onchain_defi_score,
        gaps.stale_inputs,
        true as is_experimental,
        '{{ var("hourly_method_version") }}' as method_version
    from prints
    inner join calendar on prints.hour = calendar.hour
    cross join market
    left join pillar_scores on prints.hour = pillar_scores.hour
    left join gaps on prints.hour = gaps.hour
    where calendar.is_published
)

select * from final
