{{ config(materialized="table") }}

{#
    Kyle's lambda: by how many basis points the price moves per million dollars of signed taker flow, the slope of
    hourly log returns on (taker buys - taker sells) over the 24 hours of the day; 20 of them are needed. Five-minute
    bars would give 288 points instead of 24, hence the t-value beside it and the steadier slope of seven days (152 of
    168 hours).

    The t-value allows for unequal variance and autocorrelation (Newey and West, two lags, Bartlett weights). With x and
    y the deviations from the means of the day, e = y - lambda x and the leverage h = 1/n + x^2 / sum x^2, each hour has
    a score g = x e / (1 - h), and
        variance = (sum g^2 + 2 sum over lags (1 - lag/3) sum g g(lag)) / (sum x^2)^2.
    The division by 1 - h (MacKinnon and White) is for days with a crash in them: one hour that draws the line onto
    itself leaves no residual and would pass for certainty.
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

hours as (
    select
        asset,
        date,
        opened_at,
        (2 * taker_buy_volume_usd - volume_usd) / 1e6 as flow,
        1e4 * log_return as move,
        available_at
    from candles
    where taker_buy_volume_usd is not null and volume_usd > 0 and log_return is not null
),

days as (
    select
        asset,
        date,
        count(*) as n,
        sum(flow) as flow_sum,
        sum(move) as move_sum,
        sum(flow * flow) as flow_square_sum,
        sum(flow * move) as product_sum,
        max(available_at) as available_at
    from hours
    group by asset, date
),

weeks as (
    select
        *,
        sum(n) over last_week as week_n,
        sum(flow_sum) over last_week as week_flow_sum,
        sum(move_sum) over last_week as week_move_sum,
        sum(flow_square_sum) over last_week as week_flow_square_sum,
        sum(product_sum) over last_week as week_product_sum,
        max(available_at) over last_week as week_available_at
    from days
    window last_week as (partition by asset order by date range between interval '6 days' preceding and current row)
),

variations as (
    select
        *,
        flow_square_sum - flow_sum * flow_sum / n as flow_variation,
        week_flow_square_sum - week_flow_sum * week_flow_sum / week_n as week_flow_variation
    from weeks
),

slopes as (
    select
        asset,
        date,
        n,
        flow_sum / n as mean_flow,
        move_sum / n as mean_move,
        flow_variation,
        case
            when n >= 20 and flow_variation > 0 then (product_sum - flow_sum * move_sum / n) / flow_variation
        end as slope,
        case
            when week_n >= 152 and week_flow_variation > 0
                then (week_product_sum - week_flow_sum * week_move_sum / week_n) / week_flow_variation
        end as week_slope,
        available_at,
        week_available_at
    from variations
),

scores as (
    select
        slopes.asset,
        slopes.date,
        hours.opened_at,
        (hours.flow - slopes.mean_flow)
        * (hours.move - slopes.mean_move - slopes.slope * (hours.flow - slopes.mean_flow))
        / (1 - 1.0 / slopes.n - power(hours.flow - slopes.mean_flow, 2) / slopes.flow_variation) as score
    from hours
    inner join slopes on hours.asset = slopes.asset and hours.date = slopes.date
    where slopes.slope is not null
),

lagged as (
    select
        asset,
        date,
        score,
        case when lag(opened_at, 1) over by_day = opened_at - interval '1 hour' then lag(score, 1) over by_day end
            as score_1,
        case
            when lag(opened_at, 2) over by_day = opened_at - interval '2 hours' then lag(score, 2) over by_day
            when lag(opened_at, 1) over by_day = opened_at - interval '2 hours' then lag(score, 1) over by_day
        end as score_2
    from scores
    window by_day as (partition by asset, date order by opened_at)
),

score_variations as (
    select
        asset,
        date,
        sum(score * score)
        + 2 * (2.0 / 3 * coalesce(sum(score * score_1), 0) + 1.0 / 3 * coalesce(sum(score * score_2), 0))
            as score_variation
    from lagged
    group by asset, date
),

final as (
    select
        slopes.asset,
        slopes.date,
        slopes.slope as lambda_24h_bp,
        case
            when score_variations.score_variation > 0
                then slopes.slope * slopes.flow_variation / sqrt(score_variations.score_variation)
        end as t_24h_ratio,
        slopes.week_slope as lambda_7d_bp,
        cast(slopes.n as integer) as hour_count,
        slopes.available_at,
        slopes.week_available_at
    from slopes
    left join score_variations on slopes.asset = score_variations.asset and slopes.date = score_variations.date
)

select * from final
