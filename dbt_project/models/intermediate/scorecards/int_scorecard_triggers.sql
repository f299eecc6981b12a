{#
    Every day a label set can speak about, and whether its rule was met. Ranks are among the trailing 730 days, and none
    is given on fewer than 365. A day that cannot be measured is absent: it is neither stress nor calm.
#}
with prices as (
    select * from {{ ref("int_scorecard_prices_daily") }}
),

indicators as (
    select * from {{ ref("fct_indicators_daily") }}
    where scope = 'market'
),

vendor_liquidations as (
    select * from {{ ref("int_scorecard_vendor_liquidations") }}
),

stablecoins as (
    select * from {{ ref("fct_stablecoin_states_daily") }}
    where level is not null and circulating_units >= 1e9
),

price as (
    select
        'price' as label_set,
        date,
        coalesce(return_3d_rank <= 0.01, false) or coalesce(drawdown_7d_ratio >= 0.15, false) as is_trigger,
        100.0 * drawdown_7d_ratio as magnitude
    from prices
    where return_3d_rank is not null and drawdown_7d_ratio is not null
),

intensities as (
    select
        'liquidations' as label_set,
        date,
        value
    from indicators
    where indicator = 'liq_intensity_24h'
    union all
    select
        'vendor_liquidations' as label_set,
        date,
        liquidations_pct as value
    from vendor_liquidations
    where liquidations_pct is not null
),

ranked as (
    select
        label_set,
        date,
        value,
        count(*) over rank_window as window_count,
        {{ count_below("value", "rank_window") }} as below_count
    from intensities
    window rank_window as (
        partition by label_set order by date
        range between interval '729 days' preceding and current row
    )
),

liquidations as (
    select
        label_set,
        date,
        below_count >= 0.99 * window_count as is_trigger,
        value as magnitude
    from ranked
    where window_count >= 365
),

depth as (
    select
        'depth' as label_set,
        date,
        value >= -ln(0.3) as is_trigger,
        100.0 * (1 - exp(-value)) as magnitude
    from indicators
    where indicator = 'depth_gap_hod'
),

depeg as (
    select
        'depeg' as label_set,
        date,
        max(case when level in ('depeg', 'break') then 1 else 0 end) = 1 as is_trigger,
        max(deviation_median_bp) as magnitude
    from stablecoins
    group by date
),

single_rules as (
    select * from price
    union all
    select * from liquidations
    union all
    select * from depth
    union all
    select * from depeg
),

-- The vendor speaks for liquidations only where no venue of our own does.
own_liquidations as (
    select min(date) as first_date from liquidations where label_set = 'liquidations'
),

non_price as (
    select
        'non_price' as label_set,
        single_rules.date,
        max(case when single_rules.is_trigger then 1 else 0 end) = 1 as is_trigger,
        cast(null as double) as magnitude
    from single_rules
    cross join own_liquidations
    where
        single_rules.label_set in ('liquidations', 'depth', 'depeg')
        or (
            single_rules.label_set = 'vendor_liquidations'
            and (own_liquidations.first_date is null or single_rules.date < own_liquidations.first_date)
        )
    group by single_rules.date
),

final as (
    select * from single_rules
    union all
    select * from non_price
)

select * from final
