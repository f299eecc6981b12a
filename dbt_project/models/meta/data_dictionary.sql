{# Every published table and column with its meaning, from the same yml that the checks read. #}
{% set rows = [] %}
{% if execute %}
    {% for node in graph.nodes.values() | sort(attribute="unique_id")
        if node.resource_type in ("model", "seed") and node.schema in ("marts", "meta", "quality") %}
        {% for column in node.columns.values() %}
            {% do rows.append((node.schema, node.name, loop.index, column.name, column.data_type or "",
                column.description, node.description, node.config.get("meta", {}).get("grain", ""))) %}
        {% endfor %}
    {% endfor %}
{% endif %}

with final as (
    {% for row in rows %}
    select
        {{ dbt.string_literal(dbt.escape_single_quotes(row[0])) }} as schema_name,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[1])) }} as table_name,
        {{ row[2] }} as column_position,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[3])) }} as column_name,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[4])) }} as data_type,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[5])) }} as column_description,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[6])) }} as table_description,
        {{ dbt.string_literal(dbt.escape_single_quotes(row[7])) }} as grain
    {{ "union all" if not loop.last }}
    {% else %}
    select
        '' as schema_name, '' as table_name, 0 as column_position, '' as column_name,
        '' as data_type, '' as column_description, '' as table_description, '' as grain
    where false
    {% endfor %}
)

select * from final
