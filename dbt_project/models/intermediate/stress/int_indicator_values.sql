{{ config(materialized="table") }}

{# One line per indicator of the register; a test holds that none is missing here and none is extra. #}
{% set indicators = [
    "etf_outflow_intensity_5s",
    "stable_supply_contraction_30d",
    "exch_netflow_7d",
    "oi_speed_7d",
    "funding_neg_stress_3d",
    "depth_gap_hod",
    "spread_proxy_bp",
    "amihud_7d",
    "rv7_shock",
    "drawdown_90d",
    "dvol_shock",
    "lth_distribution_30d",
    "sth_loss",
    "depeg_bp",
    "hack_loss_30d",
    "vix",
    "credit_spread",
    "usd_mom_20d",
    "rates_shock",
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
