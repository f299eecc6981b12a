{{ config(meta={"dagster": {"ref": {"name": "stress_print_changes_daily"}}}) }}
-- The terms of the change between two first prints are the change, through restatements.
with changes as (
    select date, sum(points) as points from {{ ref("stress_print_changes_daily") }} group by date
)

select today.date, today.cmsi - yesterday.cmsi as change, changes.points
from {{ ref("stress_index_prints") }} as today
inner join {{ ref("stress_index_prints") }} as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
left join changes on today.date = changes.date
where abs(today.cmsi - yesterday.cmsi - coalesce(changes.points, 0)) > 1e-9
