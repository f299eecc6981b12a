{{ config(materialized="table") }}

{#
    Positions and price of each asset and of the market by day: how far open interest in coins is below its 90-day peak, how
    much of it left per cent of price since that peak, and how fast it fell in a week. Coins of two assets cannot be added:
    the market is the mean of their logarithms by stress weights, an index. Coins throughout, never dollars: a price that
    falls must not read as positions that were closed.
#}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
    where open_interest_coin > 0
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where close_usd > 0
),

logs as (
    select
        open_interest.asset,
        open_interest.date,
        ln(open_interest.open_interest_coin) as log_open_interest,
        ln(prices.close_usd) as log_price,
        greatest(open_interest.available_at, prices.available_at) as available_at
    from open_interest
    inner join prices on open_interest.asset = prices.asset and open_interest.date = prices.date
),

market_open_interest as (
    {{ weighted_over_assets("logs", "log_open_interest") }}
),

market_price as (
    {{ weighted_over_assets("logs", "log_price") }}
),

levels as (
    select
        asset as scope,
        date,
        log_open_interest,
        log_price,
        available_at
    from logs
    union all
    select
        'market' as scope,
        market_open_interest.observed_date as date,
        market_open_interest.value as log_open_interest,
        market_price.value as log_price,
        market_open_interest.available_at
    from market_open_interest
    inner join market_price on market_open_interest.observed_date = market_price.observed_date
),

windows as (
    select
        scope,
        date,
        log_open_interest,
        log_price,
        max(log_open_interest) over last_quarter as peak_log_open_interest,
        {{ value_at_max("log_price", "log_open_interest") }} over last_quarter as peak_log_price,
        count(*) over last_quarter as day_count,
        max(log_open_interest) over week_before as earlier_log_open_interest,
        available_at
    from levels
    window
        last_quarter as (partition by scope order by date range between interval '89 days' preceding and current row),
        week_before as (
            partition by scope order by date range between interval '7 days' preceding and interval '7 days' preceding
        )
),

final as (
    select
        scope,
        date,
        exp(log_open_interest) as open_interest_coin,
        exp(log_price) as price_usd,
        case when day_count >= 60 then 100.0 * (1 - exp(log_open_interest - peak_log_open_interest)) end as drawdown_90d_pct,
        -- Less than one per cent of price says nothing about how positions answer to it.
        case
            when day_count >= 60 and abs(log_price - peak_log_price) >= 0.01
                then (log_open_interest - peak_log_open_interest) / (log_price - peak_log_price)
        end as clearing_elasticity,
        case when day_count >= 60 then 100.0 * (exp(log_price - peak_log_price) - 1) end as price_since_peak_pct,
        100.0 * (earlier_log_open_interest - log_open_interest) as speed_7d_pct,
        available_at
    from windows
)

select * from final
