{#
    What days are matched on: decile of the 90-day drawdown, tercile of the 30-day volatility, both among all days there
    are, and the calendar year.
#}
with predictors as (
    select * from {{ ref("int_scorecard_readings") }}
),

drawdowns as (
    select
        observed_date as date,
        ntile(10) over (order by value, observed_date) as drawdown_decile
    from predictors
    where predictor = 'drawdown_90d'
),

volatilities as (
    select
        observed_date as date,
        ntile(3) over (order by value, observed_date) as volatility_tercile
    from predictors
    where predictor = 'realized_volatility_30d'
),

final as (
    select
        drawdowns.date,
        cast(drawdowns.drawdown_decile as integer) as drawdown_decile,
        cast(volatilities.volatility_tercile as integer) as volatility_tercile,
        cast(extract(year from drawdowns.date) as integer) as calendar_year
    from drawdowns
    inner join volatilities on drawdowns.date = volatilities.date
)

select * from final
