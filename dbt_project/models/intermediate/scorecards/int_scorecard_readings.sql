{# The baselines, turned so that larger is more stress, each with the instant from which it was known. #}
with prices as (
    select * from {{ ref("int_scorecard_prices_daily") }}
),

indicators as (
    select * from {{ ref("fct_indicators_daily") }}
    where scope = 'market'
),

macro as (
    select * from {{ ref("fct_macro_daily") }}
    where series_id in ('VIXCLS', 'DGS10') and value is not null
),

funding as (
    select * from {{ ref("int_funding_daily") }}
),

vendor_funding as (
    select * from {{ ref("stg_coinglass__funding_rates") }}
    where asset = 'btc'
),

vendor_liquidations as (
    select * from {{ ref("int_scorecard_vendor_liquidations") }}
),

funding_by_source as (
    select
        'funding_low_rank' as predictor,
        date,
        funding_8h_ratio as funding_rate,
        available_at
    from funding
    where funding_8h_ratio is not null
    union all
    select
        'vendor_funding_low_rank' as predictor,
        date,
        funding_rate_pct / 100.0 as funding_rate,
        available_at
    from vendor_funding
    where funding_rate_pct is not null
),

funding_3d as (
    select
        predictor,
        date,
        case when count(*) over last_3 = 3 then -avg(funding_rate) over last_3 end as value,
        max(available_at) over last_3 as available_at
    from funding_by_source
    window last_3 as (
        partition by predictor order by date range between interval '2 days' preceding and current row
    )
),

to_be_ranked as (
    select
        predictor,
        date,
        value,
        available_at
    from funding_3d
    where value is not null
    union all
    select
        series_id as predictor,
        date,
        value,
        available_at
    from macro
),

ranked as (
    select
        predictor,
        date,
        case when count(*) over rank_window >= 250
            then 1.0 * {{ count_not_above("value", "rank_window") }} / count(*) over rank_window
        end as value,
        available_at
    from to_be_ranked
    window rank_window as (
        partition by predictor order by date
        range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

vix_and_10y as (
    select
        date,
        avg(value) as value,
        max(available_at) as available_at
    from ranked
    where predictor in ('VIXCLS', 'DGS10')
    group by date
    having count(value) = 2
),

readings as (
    select
        case indicator
            when 'fear_greed' then 'fear_greed_reversed'
            when 'liq_intensity_24h' then 'liquidations_to_oi'
            else indicator
        end as predictor,
        date,
        case when indicator = 'fear_greed' then 100.0 - value else value end as value,
        available_at
    from indicators
    where indicator in ('fear_greed', 'liq_intensity_24h', 'drawdown_90d', 'vix', 'ofr_fsi')
    union all
    select 'realized_volatility_30d' as predictor, date, realized_volatility_30d_pct as value, available_at from prices
    union all
    select 'btc_fall_30d' as predictor, date, btc_fall_30d_pct as value, available_at from prices
    union all
    select 'vendor_liquidations_to_oi' as predictor, date, liquidations_pct as value, available_at
    from vendor_liquidations
    union all
    select predictor, date, value, available_at from ranked where predictor not in ('VIXCLS', 'DGS10')
    union all
    select 'vix_and_10y' as predictor, date, value, available_at from vix_and_10y
),

final as (
    select
        predictor,
        date as observed_date,
        value,
        available_at
    from readings
    where value is not null and available_at is not null
)

select * from final
