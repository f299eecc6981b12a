{{ config(meta={"dagster": {"ref": {"name": "stress_index_daily"}}}) }}
-- Imperfect co-movement only ever takes points off.
select date, cmsi, linear_bound
from {{ ref("stress_index_daily") }}
where cmsi > linear_bound + 1e-9
