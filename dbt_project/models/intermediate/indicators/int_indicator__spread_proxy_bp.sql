{#
    L5 where no quotes are held: the Corwin-Schultz (2012) bid-ask spread from the highs and lows of consecutive hours,
    negative estimates set to zero, mean over the day, in basis points.
        beta  = ln(H1/L1)^2 + ln(H2/L2)^2        gamma = ln(max(H1,H2)/min(L1,L2))^2
        alpha = (sqrt(2 beta) - sqrt(beta)) / (3 - 2 sqrt 2) - sqrt(gamma / (3 - 2 sqrt 2))
        S     = 2 (e^alpha - 1) / (1 + e^alpha)
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

ranges as (
    select
        asset,
        date,
        power(ln(high_usd / low_usd), 2) + power(ln(previous_high_usd / previous_low_usd), 2) as beta,
        power(ln(greatest(high_usd, previous_high_usd) / least(low_usd, previous_low_usd)), 2) as gamma,
        available_at
    from candles
    where previous_high_usd is not null and previous_low_usd > 0
),

alphas as (
    select
        asset,
        date,
        (sqrt(2 * beta) - sqrt(beta)) / (3 - 2 * sqrt(2)) - sqrt(gamma / (3 - 2 * sqrt(2))) as alpha,
        available_at
    from ranges
),

per_asset as (
    select
        asset,
        date,
        case when count(*) >= 20 then 1e4 * avg(greatest(0.0, 2 * (exp(alpha) - 1) / (1 + exp(alpha)))) end as spread_bp,
        max(available_at) as available_at
    from alphas
    group by asset, date
),

final as (
    {{ weighted_over_assets("per_asset", "spread_bp") }}
)

select * from final
