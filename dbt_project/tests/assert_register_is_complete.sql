{{ config(meta={"dagster": {"ref": {"name": "stress_register"}}}) }}
-- Every indicator that is computed for an index is registered under a pillar of that index, and every pillar has an input.
select readings.indicator, register.pillar
from (select distinct indicator from {{ ref("int_indicator_values") }}) as readings
left join {{ ref("int_index_register") }} as register on readings.indicator = register.indicator
left join {{ ref("pillars") }} as pillars
    on register.pillar = pillars.pillar and register.index_name = pillars.index_name
where pillars.pillar is null
union all
select register.indicator, pillars.pillar
from {{ ref("pillars") }} as pillars
left join {{ ref("int_index_register") }} as register on pillars.pillar = register.pillar
where register.pillar is null
