{#
    A sum that is the same to the last bit whatever the order of the rows, added up as decimals with six places. Doubles
    added up in another order differ in their last digits, and a rebuild or a proof would find that.
#}
{% macro exact_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(38, 6))) as double)
{%- endmacro %}
