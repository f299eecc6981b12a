{{ config(materialized="table") }}

{#
    What the leverage states are decided by, in long form: each reading on the first day it could be used, with its
    percentile among those of the trailing rank window up to that day (mid-rank; none before 180 of them), and for funding
    their median, which is what is usual. Of several that
    became usable on one day the latest stands for the day; all of them count in the ranks.
#}
with positions as (
    select * from {{ ref("int_leverage_positions_daily") }}
),

funding as (
    select * from {{ ref("int_indicator__funding_8h") }}
),

intensity as (
    select
        scope,
        observed_date,
        value,
        available_at
    from {{ ref("int_indicator__liq_intensity") }}
    union all
    select
        'market' as scope,
        observed_date,
        value,
        available_at
    from {{ ref("int_indicator__liq_intensity_24h") }}
),

falls as (
    select * from {{ ref("int_open_interest_falls_hourly") }}
    where venue = 'binance'
),

-- What the panel's open interest lost hour by hour, in per cent of what the day began with: the upper bound of what was
-- closed by force, and all there is before a venue reported.
asset_falls as (
    select
        asset,
        date,
        case
            when count(*) = 24
                then 100.0 * sum(fall_coin) / min(case when extract(hour from hour_started_at) = 0 then opening_coin end)
        end as fall_pct,
        max(available_at) as available_at
    from falls
    group by asset, date
),

market_falls as (
    {{ weighted_over_assets("asset_falls", "fall_pct") }}
),

implied as (
    select
        asset as scope,
        date as observed_date,
        fall_pct as value,
        available_at
    from asset_falls
    union all
    select
        'market' as scope,
        observed_date,
        value,
        available_at
    from market_falls
),

funding_windows as (
    select
        scope,
        observed_date,
        avg(value) over last_week as value,
        count(value) over last_week as day_count,
        max(available_at) over last_week as available_at
    from funding
    window last_week as (partition by scope order by observed_date range between interval '6 days' preceding and current row)
),

intensity_windows as (
    select
        evidence,
        scope,
        observed_date,
        avg(value) over last_three as value,
        count(value) over last_three as day_count,
        max(available_at) over last_three as available_at
    from (
        select 'liq_intensity_3d' as evidence, scope, observed_date, value, available_at from intensity
        union all
        select 'fall_intensity_3d', scope, observed_date, value, available_at from implied
    ) as intensities
    window last_three as (
        partition by evidence, scope order by observed_date range between interval '2 days' preceding and current row
    )
),

readings as (
    select 'oi_drawdown' as evidence, scope, date as observed_date, drawdown_90d_pct as value, available_at from positions
    union all
    select 'clearing_elasticity', scope, date, clearing_elasticity, available_at from positions
    union all
    select 'price_since_peak', scope, date, price_since_peak_pct, available_at from positions
    union all
    select 'oi_coin', scope, date, open_interest_coin, available_at from positions
    union all
    select 'oi_speed', scope, date, speed_7d_pct, available_at from positions
    union all
    select 'elr', scope, observed_date, value, available_at from {{ ref("int_indicator__elr") }}
    union all
    select 'elr', 'market', observed_date, value, available_at from {{ ref("int_indicator__elr_ratio") }}
    union all
    select 'oi_to_mcap', scope, observed_date, value, available_at from {{ ref("int_indicator__oi_to_mcap") }}
    union all
    select 'oi_to_mcap', 'market', observed_date, value, available_at from {{ ref("int_indicator__oi_to_mcap_pct") }}
    union all
    select 'funding_7d', scope, observed_date, case when day_count = 7 then value end, available_at from funding_windows
    union all
    select 'liq_intensity', scope, observed_date, value, available_at from intensity
    union all
    select 'fall_intensity', scope, observed_date, value, available_at from implied
    union all
    select evidence, scope, observed_date, case when day_count = 3 then value end, available_at from intensity_windows
    union all
    select 'iv_term_inv', scope, observed_date, value, available_at from {{ ref("int_indicator__iv_term_inv") }}
),

usable as (
    select
        evidence,
        scope,
        {{ usable_date("available_at") }} as usable_date,
        observed_date,
        value,
        available_at
    from readings
    where value is not null
),

ranked as (
    select
        *,
        ({{ count_below("value", "rank_window") }} + {{ count_not_above("value", "rank_window") }}) / 2.0 as mid_rank,
        count(*) over rank_window as window_count,
        {{ median_over("case when evidence = 'funding_7d' then value end", "rank_window") }} as median_value,
        row_number() over (partition by evidence, scope, usable_date order by observed_date desc) as recency
    from usable
    window rank_window as (
        partition by evidence, scope order by usable_date
        range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

final as (
    select
        evidence,
        scope,
        usable_date,
        observed_date,
        value,
        case when window_count >= 180 then 100.0 * mid_rank / window_count end as percentile_pct,
        case when window_count >= 180 then median_value end as median_value,
        available_at
    from ranked
    where recency = 1
)

select * from final
