{% set indicators = [
    "coinbase_premium_bp",
    "days_from_peak_90d",
    "depth_aggregated_usd",
    "depth_skew",
    "depth_usd",
    "downside_variance_share",
    "fall_speed_90d",
    "kyle_lambda_24h",
    "kyle_lambda_24h_t",
    "kyle_lambda_7d",
    "night_liquidity_ratio",
    "quoted_spread_bp",
    "slip_1m_bp",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
