{{ config(meta={"dagster": {"ref": {"name": "stress_indicator_contributions_daily"}}}) }}
-- The points of the inputs are the points of their pillar, in both indices.
{%- for prefix in ["stress", "vulnerability"] %}
select pillars.date, pillars.pillar, pillars.points, inputs.points as input_points
from {{ ref(prefix ~ "_contributions_daily") }} as pillars
left join (
    select date, pillar, sum(points) as points from {{ ref(prefix ~ "_indicator_contributions_daily") }} group by date, pillar
) as inputs
    on pillars.date = inputs.date and pillars.pillar = inputs.pillar
where inputs.points is null or abs(pillars.points - inputs.points) > 1e-9
{{ "union all" if not loop.last }}
{%- endfor %}
