{{ config(meta={"dagster": {"ref": {"name": "stress_changes_daily"}}}) }}
-- The terms of a day's change are the change, for every two consecutive printed days, in both indices.
{%- for prefix, value in [("stress", "cmsi"), ("vulnerability", "cmvi")] %}
select today.date, today.{{ value }} - yesterday.{{ value }} as change, changes.points
from {{ ref(prefix ~ "_index_daily") }} as today
inner join {{ ref(prefix ~ "_index_daily") }} as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
left join (
    select date, sum(points) as points from {{ ref(prefix ~ "_changes_daily") }} group by date
) as changes
    on today.date = changes.date
where changes.points is null or abs(today.{{ value }} - yesterday.{{ value }} - changes.points) > 1e-9
{{ "union all" if not loop.last }}
{%- endfor %}
