{{ config(meta={"dagster": {"ref": {"name": "stress_index_restatements_daily"}}}) }}
-- The terms between a day's first print and what it is now are the difference, and no restated day lacks them.
with terms as (
    select date, sum(points) as points from {{ ref("stress_index_restatements_daily") }} group by date
)

select latest.date, latest.difference, terms.points
from {{ ref("cmsi_latest") }} as latest
left join terms on latest.date = terms.date
where
    latest.is_restated
    and latest.difference is not null
    and (terms.points is null or abs(latest.difference - terms.points) > 1e-9)
