{{ config(meta={"dagster": {"ref": {"name": "stress_contributions_daily"}}}) }}
-- The points of the pillars are the print.
with contributions as (
    select date, sum(points) as points from {{ ref("stress_contributions_daily") }} group by date
)

select prints.date, prints.cmsi, contributions.points
from {{ ref("stress_index_daily") }} as prints
left join contributions on prints.date = contributions.date
where contributions.points is null or abs(prints.cmsi - contributions.points) > 1e-9
