{{ config(meta={"dagster": {"ref": {"name": "indicator_lineage"}}}, tags=["structural"]) }}
-- Every input of the index says which raw tables it is made of, and rows of these tables are followed to their responses.
with followed as (
    {%- for table in lineage_tables() %}
    select '{{ table.table }}' as table_name
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select register.indicator, lineage.table_name
from {{ ref("stress_register") }} as register
full outer join {{ ref("indicator_lineage") }} as lineage on register.indicator = lineage.indicator
left join followed on lineage.table_name = followed.table_name
where register.indicator is null or lineage.indicator is null or followed.table_name is null
