{{ config(meta={"dagster": {"ref": {"name": "stress_contributions_daily"}}}) }}
-- The points of the pillars are the print, in both indices.
{%- for prefix, value in [("stress", "cmsi"), ("vulnerability", "cmvi")] %}
select prints.date, prints.{{ value }} as value, contributions.points
from {{ ref(prefix ~ "_index_daily") }} as prints
left join (
    select date, sum(points) as points from {{ ref(prefix ~ "_contributions_daily") }} group by date
) as contributions
    on prints.date = contributions.date
where contributions.points is null or abs(prints.{{ value }} - contributions.points) > 1e-9
{{ "union all" if not loop.last }}
{%- endfor %}
