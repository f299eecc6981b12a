{{ config(materialized="table") }}

{# One line per input of an index; a test holds that none of the registers is missing here and none is extra. #}
{% set indicators = [
    "etf_outflow_intensity_5s",
    "stable_supply_contraction_30d",
    "exch_netflow_7d",
    "oi_speed_7d",
    "funding_neg_stress_3d",
    "liq_intensity_24h",
    "perp_discount_bp",
    "depth_gap_hod",
    "spread_proxy_bp",
    "amihud_7d",
    "xvenue_dispersion_bp",
    "rv7_shock",
    "drawdown_90d",
    "breadth_down",
    "dvol_shock",
    "lth_distribution_30d",
    "sth_loss",
    "depeg_bp",
    "defi_liq_intensity",
    "hack_loss_30d",
    "vix",
    "credit_spread",
    "usd_mom_20d",
    "rates_shock",
    "oi_to_mcap_pct",
    "elr_ratio",
    "oi_growth_30d",
    "funding_positive_3d",
    "night_thinness",
    "synthetic_stable_share",
    "iv_rv_complacency",
] %}

with readings as (
    {% for indicator in indicators %}
    select
        '{{ indicator }}' as indicator,
        observed_date,
        cast(value as double) as value,
        available_at
    from {{ ref("int_indicator__" ~ indicator) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select * from readings where value is not null and not isnan(value) and available_at is not null
)

select * from final
