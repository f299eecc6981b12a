{{ config(materialized="table") }}

{#
    Step 1: every observation with its rank on the day it became usable, once for each panel it is in. The rolling window
    is the headline's; the expanding one keeps everything since the first observation.
#}
{% set frames = {
    "rolling": "range between interval '" ~ (var("rank_window_days") - 1) ~ " days' preceding and current row",
    "expanding": "range between unbounded preceding and current row",
} %}

with readings as (
    select * from {{ ref("int_indicator_values") }}
),

register as (
    select * from {{ ref("int_index_register") }}
),

panels as (
    select * from {{ ref("int_index_panels") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

usable as (
    select
        panels.panel,
        panels.rank_window,
        {{ usable_date("readings.available_at") }} as usable_date,
        readings.observed_date,
        readings.indicator,
        register.pillar,
        readings.value,
        readings.available_at,
        register.is_zero_inflated,
        register.min_observations
    from readings
    inner join register on readings.indicator = register.indicator
    inner join panels on register.index_name = panels.index_name
    inner join market on {{ usable_date("readings.available_at") }} <= market.last_closed_date
),

{% for rank_window, frame in frames.items() -%}
{{ rank_window }}_readings as (
    select * from usable where rank_window = '{{ rank_window }}'
),

{{ rank_window }}_ranks as (
    {{ index_ranks(rank_window ~ "_readings", "panel, indicator", "usable_date", frame) }}
),

{% endfor -%}
ranks as (
    {% for rank_window in frames %}
    select * from {{ rank_window }}_ranks
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        panel,
        usable_date,
        observed_date,
        indicator,
        pillar,
        value,
        z,
        z_mid,
        window_count,
        available_at
    from ranks
)

select * from final
