{% set indicators = [
    "ofr_fsi",
    "fear_greed",
    "ecb_ciss",
    "vix_term_ratio",
    "dgs10_volatility_20s",
    "corr_btc_spx",
    "corr_change_z",
    "geopolitical_risk",
    "policy_uncertainty",
    "oil_change_5s",
    "breakeven_change_5s",
    "depeg_worst_venue_bp",
    "depeg_hours_over_50bp",
    "tvl_outflow_7d",
    "wiki_views_z",
    "reg_event",
    "sec_event",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
