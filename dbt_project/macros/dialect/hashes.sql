{# One hash of the rows of a group, each given as a text, whatever order they come in. #}
{% macro rows_hash(row_text) -%}
    {{ return(adapter.dispatch("rows_hash", "undertow")(row_text)) }}
{%- endmacro %}

{% macro duckdb__rows_hash(row_text) -%}
    sha256(string_agg({{ row_text }}, chr(10) order by {{ row_text }}))
{%- endmacro %}

{% macro spark__rows_hash(row_text) -%}
    sha2(array_join(sort_array(collect_list({{ row_text }})), '\n'), 256)
{%- endmacro %}
