{#
    One input of a print as a line of text, which the hash of its inputs is made over: what came in (observed date, value,
    availability) and what its history made of it (ranks), so that a figure restated years ago shows as well.
#}
{% macro input_text() -%}
    concat_ws(
        '|',
        indicator,
        cast(observed_date as varchar),
        coalesce(cast(value as varchar), ''),
        coalesce(cast(available_at as varchar), ''),
        coalesce(cast(z as varchar), ''),
        coalesce(cast(z_mid as varchar), ''),
        cast(is_fresh as varchar)
    )
{%- endmacro %}
