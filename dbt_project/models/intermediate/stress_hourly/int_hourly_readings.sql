{{ config(materialized="table") }}

{# One line per input of the nowcast; a test holds that none of the register is missing here. #}
{% set indicators = [
    "funding_neg_stress_3d",
    "liq_intensity_24h",
    "perp_discount_bp",
    "depth_gap_hod",
    "spread_proxy_bp",
    "xvenue_dispersion_bp",
    "rv7_shock",
    "depeg_bp",
] %}

with readings as (
    {% for indicator in indicators %}
    select
        '{{ indicator }}' as indicator,
        hour_ended_at,
        cast(value as double) as value,
        available_at
    from {{ ref("int_hourly_input__" ~ indicator) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

calendar as (
    select max(hour) as last_hour from {{ ref("int_hourly_calendar") }}
),

timed as (
    select
        indicator,
        hour_ended_at,
        {{ hour_number("hour_ended_at") }} as observed_hour,
        {{ hour_number(usable_hour_ended_at("available_at")) }} as usable_hour,
        value,
        available_at
    from readings
    where value is not null and not isnan(value) and available_at is not null
),

final as (
    select timed.*
    from timed
    inner join calendar on timed.usable_hour <= calendar.last_hour
)

select * from final
