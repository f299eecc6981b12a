{{ config(meta={"dagster": {"ref": {"name": "stress_index_daily"}}}) }}
-- Imperfect co-movement only ever takes points off, in any variant.
select variant, date, value, linear_bound
from {{ ref("int_index_prints") }}
where value > linear_bound + 1e-9
