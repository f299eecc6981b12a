{{ config(meta={"dagster": {"ref": {"name": "stress_indicator_contributions_daily"}}}) }}
-- The points of the inputs are the points of their pillar.
with inputs as (
    select date, pillar, sum(points) as points from {{ ref("stress_indicator_contributions_daily") }} group by date, pillar
)

select pillars.date, pillars.pillar, pillars.points, inputs.points as input_points
from {{ ref("stress_contributions_daily") }} as pillars
left join inputs on pillars.date = inputs.date and pillars.pillar = inputs.pillar
where inputs.points is null or abs(pillars.points - inputs.points) > 1e-9
