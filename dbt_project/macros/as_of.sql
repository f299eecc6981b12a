{#
    A condition that leaves out what became known after var('as_of'); always true unless it is set.

    `instant` is the column that says from when a row could be known.
#}
{% macro known_by(instant) -%}
    {%- if var("as_of") -%}
    {{ instant }} <= cast('{{ var("as_of") }}' as timestamp with time zone)
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{# `instant`, or var('as_of') where that is earlier. #}
{% macro at_most_as_of(instant) -%}
    {%- if var("as_of") -%}
    least({{ instant }}, cast('{{ var("as_of") }}' as timestamp with time zone))
    {%- else -%}
    {{ instant }}
    {%- endif -%}
{%- endmacro %}

{# The instant that was asked for; null where everything is known that there is. #}
{% macro as_of_instant() -%}
    {%- if var("as_of") -%}
    nullif(cast('{{ var("as_of") }}' as timestamp with time zone), cast('infinity' as timestamp with time zone))
    {%- else -%}
    cast(null as timestamp with time zone)
    {%- endif -%}
{%- endmacro %}
