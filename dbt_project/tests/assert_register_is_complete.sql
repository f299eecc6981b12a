{{ config(meta={"dagster": {"ref": {"name": "stress_register"}}}) }}
-- Every indicator that is computed is registered under a pillar that exists.
select readings.indicator
from (select distinct indicator from {{ ref("int_indicator_values") }}) as readings
left join {{ ref("stress_register") }} as register on readings.indicator = register.indicator
left join {{ ref("pillars") }} as pillars on register.pillar = pillars.pillar
where pillars.pillar is null
