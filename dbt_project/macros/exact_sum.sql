{#
    Sums that are the same to the last bit whatever order the rows come in. The order of joined rows is the engine's own
    affair, and sums of doubles would differ in the sixteenth digit from one build of the same rows to the next.

    `exact_sum` adds up numbers below a thousand with 15 decimal places, within a group or a window; `exact_amount_sum`
    adds up amounts of money and coins with six.
#}
{% macro exact_sum(value, over=none) -%}
    cast(sum(cast({{ value }} as decimal(18, 15))){{ " over (" ~ over ~ ")" if over }} as double)
{%- endmacro %}

{% macro exact_amount_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(38, 6))) as double)
{%- endmacro %}
