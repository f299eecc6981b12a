{#
    The readings of several indicators one below the other: indicator, scope, observed_date, value, available_at.

    Every `int_indicator__<name>` yields observed_date, value and available_at; one that speaks of parts of the market
    also yields scope (an asset, a venue, a coin). Rows without a value say nothing and are left out.
#}
{% macro indicator_union(indicators, is_scoped=true) -%}
    {%- for indicator in indicators %}
    select
        '{{ indicator }}' as indicator,
        {{ "scope" if is_scoped else "'market'" }} as scope,
        observed_date,
        cast(value as double) as value,
        available_at
    from {{ ref("int_indicator__" ~ indicator) }}
    where value is not null and not isnan(value) and available_at is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
