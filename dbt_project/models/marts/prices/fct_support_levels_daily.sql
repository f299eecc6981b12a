{#
    Prices at which buyers are said to stand, and where the market is against each: what holders, recent holders and the
    funds paid on average, the long means, the range before the last quarter and where most was traded in a year. They
    are measurements; that a level holds is for the reader of the history to see, not for this table to claim.
#}
{% set levels = {
    "realized_price": "Average price at which all coins last moved",
    "sth_cost_basis": "Average price at which coins younger than 155 days last moved",
    "etf_cost_basis": "Average price the US spot funds paid, estimated from their flows",
    "mean_200d": "Mean close of 200 days",
    "mean_200w": "Mean close of 1,400 days (200 weeks)",
    "range_high_1y": "Highest close from 365 to 91 days before",
    "range_low_1y": "Lowest close from 365 to 91 days before",
    "volume_node_1y": "Price with the most spot volume of 365 days, in steps of 2 per cent",
} %}

with prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where close_usd > 0
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

realized as (
    select * from {{ ref("stg_bgeometrics__realized_price") }}
),

profitability as (
    select * from {{ ref("stg_bitview__profitability") }}
),

funds as (
    select * from {{ ref("int_etf_cost_basis") }}
),

means as (
    select
        asset,
        date,
        avg(close_usd) over days_200 as mean_200d_usd,
        count(*) over days_200 as mean_200d_count,
        avg(close_usd) over weeks_200 as mean_200w_usd,
        count(*) over weeks_200 as mean_200w_count,
        max(close_usd) over before_quarter as range_high_usd,
        min(close_usd) over before_quarter as range_low_usd,
        count(*) over before_quarter as range_count,
        max(available_at) over weeks_200 as available_at
    from prices
    window
        days_200 as (partition by asset order by date range between interval '199 days' preceding and current row),
        weeks_200 as (partition by asset order by date range between interval '1399 days' preceding and current row),
        before_quarter as (
            partition by asset order by date
            range between interval '365 days' preceding and interval '91 days' preceding
        )
),

volumes as (
    select
        asset,
        date,
        cast(floor(ln(sum(close_usd * volume_usd) / sum(volume_usd)) / ln(1.02)) as integer) as step,
        sum(volume_usd) as volume_usd,
        max(available_at) as available_at
    from candles
    where volume_usd > 0
    group by asset, date
),

year_volumes as (
    select
        days.asset,
        days.date,
        volumes.step,
        sum(volumes.volume_usd) as volume_usd,
        count(*) as day_count,
        max(volumes.available_at) as available_at
    from volumes as days
    inner join volumes
        on days.asset = volumes.asset
        and volumes.date <= days.date
        and volumes.date > {{ days_before("days.date", 365) }}
    group by days.asset, days.date, volumes.step
),

nodes as (
    select
        asset,
        date,
        case when sum(day_count) >= 330 then exp(({{ value_at_max("step", "volume_usd") }} + 0.5) * ln(1.02)) end
            as level_usd,
        max(available_at) as available_at
    from year_volumes
    group by asset, date
),

-- A level of a session stands until the next one, four days at most.
fund_sessions as (
    select
        prices.date,
        max(funds.session_date) as session_date
    from prices
    inner join funds on funds.session_date <= prices.date and funds.session_date >= {{ days_before("prices.date", 4) }}
    where prices.asset = 'btc'
    group by prices.date
),

readings as (
    select
        'btc' as asset,
        date,
        'realized_price' as level,
        date as level_date,
        realized_price_usd as level_usd,
        available_at
    from realized
    union all
    select
        'btc' as asset,
        date,
        'sth_cost_basis' as level,
        date as level_date,
        sth_realized_price_usd as level_usd,
        available_at
    from profitability
    union all
    select
        'btc' as asset,
        fund_sessions.date,
        'etf_cost_basis' as level,
        funds.session_date as level_date,
        funds.cost_basis_usd as level_usd,
        funds.available_at
    from fund_sessions
    inner join funds on fund_sessions.session_date = funds.session_date
    union all
    select asset, date, 'mean_200d' as level, date as level_date,
        case when mean_200d_count = 200 then mean_200d_usd end as level_usd, available_at
    from means
    union all
    select asset, date, 'mean_200w' as level, date as level_date,
        case when mean_200w_count >= 1386 then mean_200w_usd end as level_usd, available_at
    from means
    union all
    select asset, date, 'range_high_1y' as level, date as level_date,
        case when range_count >= 250 then range_high_usd end as level_usd, available_at
    from means
    union all
    select asset, date, 'range_low_1y' as level, date as level_date,
        case when range_count >= 250 then range_low_usd end as level_usd, available_at
    from means
    union all
    select asset, date, 'volume_node_1y' as level, date as level_date, level_usd, available_at
    from nodes
),

final as (
    select
        readings.date,
        readings.asset,
        readings.level,
        case readings.level
            {%- for level, title in levels.items() %}
            when '{{ level }}' then '{{ title }}'
            {%- endfor %}
        end as title,
        readings.level_usd,
        readings.level_date,
        readings.level = 'etf_cost_basis' as is_estimated,
        prices.close_usd,
        100.0 * (prices.close_usd / readings.level_usd - 1) as distance_pct,
        prices.close_usd >= readings.level_usd as is_above,
        greatest(readings.available_at, prices.available_at) as available_at
    from readings
    inner join prices on readings.asset = prices.asset and readings.date = prices.date
    where readings.level_usd > 0
)

select * from final
