{% set indicators = [
    "oi_coin",
    "oi_usd",
    "oi_to_mcap",
    "elr",
    "oi_drawdown_90d",
    "funding_8h",
    "funding_annualised",
    "liq_intensity",
    "liq_long_share",
    "liq_low",
    "liq_high",
    "perp_premium",
    "basis_ann",
    "ls_account",
    "ls_top_account",
    "ls_top_position",
    "dvol",
    "iv_term_inv",
    "rr25",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
