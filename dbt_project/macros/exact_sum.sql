{#
    Sum of a column of numbers below a thousand within a group or window, the same whatever order the rows come in: added up with 15
    decimal places instead of as doubles. The order of joined rows is the engine's own affair, and sums of doubles would
    differ in the sixteenth digit from one build of the same rows to the next.
#}
{% macro exact_sum(value, over=none) -%}
    cast(sum(cast({{ value }} as decimal(18, 15))){{ " over (" ~ over ~ ")" if over }} as double)
{%- endmacro %}
