{{ config(meta={"dagster": {"ref": {"name": "stress_changes_daily"}}}) }}
-- The terms of a day's change are the change, for every two consecutive printed days.
with changes as (
    select date, sum(points) as points from {{ ref("stress_changes_daily") }} group by date
)

select today.date, today.cmsi - yesterday.cmsi as change, changes.points
from {{ ref("stress_index_daily") }} as today
inner join {{ ref("stress_index_daily") }} as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
left join changes on today.date = changes.date
where changes.points is null or abs(today.cmsi - yesterday.cmsi - changes.points) > 1e-9
