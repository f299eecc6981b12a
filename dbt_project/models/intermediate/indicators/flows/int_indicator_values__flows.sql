{% set indicators = [
    "absorption_ratio_30d",
    "absorption_ratio_30d_phi_0",
    "absorption_ratio_30d_phi_1",
    "cot_noncommercial_net_coin",
    "dat_mnav_ratio",
    "dat_net_buy_7d_coin",
    "dat_net_buy_btc_w",
    "etf_net_flow_by_shares_usd",
    "etf_net_flow_usd",
    "etf_outflow_streak_pct",
    "etf_outflow_streak_sessions",
    "etf_outflow_streak_usd",
    "etf_rotation_ratio",
    "exchange_balance_change_30d",
    "holders_13f_count",
    "holders_13f_net_buy_usd",
    "holders_13f_usd",
    "lth_implied_distribution_30d_btc",
    "lth_net_distribution_30d_btc",
    "sth_mvrv_ratio",
    "synthetic_supply_contraction_30d",
    "tff_asset_manager_net_coin",
    "tff_leveraged_net_coin",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
