{{ config(materialized="table") }}

{#
    What came after each day, over declared horizons. These rows look ahead on purpose: they are what a signal is judged
    by, never what it is made of. A horizon that is not complete has no outcome.
#}
{% set horizons = [1, 3, 7, 14, 28, 30] %}

with prices as (
    select
        *,
        sum(log_return) over (order by date rows between unbounded preceding and current row) as log_level
    from {{ ref("int_scorecard_prices_daily") }}
),

indicators as (
    select * from {{ ref("fct_indicators_daily") }}
    where scope = 'market'
),

triggers_of_liquidation as (
    select
        date,
        value,
        count(*) over two_years as window_count,
        {{ count_below("value", "two_years") }} as below_count
    from indicators
    where indicator = 'liq_intensity_24h'
    window two_years as (order by date range between interval '729 days' preceding and current row)
),

liquidations as (
    select
        date,
        value,
        case when window_count >= 365 then case when below_count >= 0.95 * window_count then 1.0 else 0.0 end end as is_shock
    from triggers_of_liquidation
),

amihud as (
    select date, value from indicators where indicator = 'amihud_7d'
),

depth as (
    select
        date,
        mean_depth_1pct_usd
    from {{ ref("fct_liquidity_daily") }}
    where asset = 'btc' and mean_depth_1pct_usd is not null
),

flows as (
    select * from {{ ref("fct_etf_flow_totals") }}
    where asset = 'btc'
),

path as (
    {% for days in horizons %}
    select
        date,
        {{ days }} as horizon_days,
        case when count(*) over ahead_{{ days }} = {{ days }}
            then 100.0 * (exp(sum(log_return) over ahead_{{ days }}) - 1)
        end as return_pct,
        case when count(*) over ahead_{{ days }} = {{ days }}
            then 100.0 * sqrt(365.0 * avg(log_return * log_return) over ahead_{{ days }})
        end as realized_volatility_pct,
        case when count(*) over ahead_{{ days }} = {{ days }}
            then 100.0 * greatest(1 - exp(min(log_level) over ahead_{{ days }} - log_level), 0.0)
        end as adverse_excursion_pct,
        case when count(*) over ahead_{{ days }} = {{ days }} and count(*) over behind_{{ days }} >= 60
            then case when min(log_level) over ahead_{{ days }} < min(log_level) over behind_{{ days }} then 1.0 else 0.0 end
        end as new_low
    from prices
    window
        ahead_{{ days }} as (
            order by date range between interval '1 day' following and interval '{{ days }} days' following
        ),
        behind_{{ days }} as (order by date range between interval '89 days' preceding and current row)
    {{ "union all" if not loop.last }}
    {% endfor %}
),

after_liquidations as (
    select
        date,
        14 as horizon_days,
        case when count(value) over ahead = 14 then avg(value) over ahead end as liquidation_intensity_pct,
        case when count(is_shock) over ahead = 14 then max(is_shock) over ahead end as liquidation_shock
    from liquidations
    window ahead as (order by date range between interval '1 day' following and interval '14 days' following)
),

liquidity as (
    select
        'depth_change_pct' as outcome,
        date,
        mean_depth_1pct_usd as value
    from depth
    union all
    select
        'price_impact_change_pct' as outcome,
        date,
        value
    from amihud
),

after_liquidity as (
    select
        outcome,
        date,
        30 as horizon_days,
        case when count(*) over ahead >= 27 and count(*) over behind >= 27
            then 100.0 * (avg(value) over ahead / nullif(avg(value) over behind, 0) - 1)
        end as value
    from liquidity
    window
        ahead as (
            partition by outcome order by date
            range between interval '1 day' following and interval '30 days' following
        ),
        behind as (partition by outcome order by date range between interval '29 days' preceding and current row)
),

-- Flows come by session: the sum is taken from every day, but only where sessions go on to its end.
after_flows as (
    select
        prices.date,
        14 as horizon_days,
        sum(flows.net_flow_usd) as etf_flow_usd
    from prices
    inner join flows on flows.session_date > prices.date and flows.session_date <= prices.date + interval '14 days'
    group by prices.date
    having count(flows.net_flow_usd) >= 8 and count(flows.net_flow_usd) = count(*)
),

final as (
    {% for outcome in ["return_pct", "realized_volatility_pct", "adverse_excursion_pct", "new_low"] %}
    select date, '{{ outcome }}' as outcome, horizon_days, {{ outcome }} as value from path where {{ outcome }} is not null
    union all
    {% endfor %}
    {% for outcome in ["liquidation_intensity_pct", "liquidation_shock"] %}
    select date, '{{ outcome }}' as outcome, horizon_days, {{ outcome }} as value
    from after_liquidations
    where {{ outcome }} is not null
    union all
    {% endfor %}
    select date, outcome, horizon_days, value from after_liquidity where value is not null
    union all
    select date, 'etf_flow_usd' as outcome, horizon_days, etf_flow_usd as value from after_flows
)

select * from final
