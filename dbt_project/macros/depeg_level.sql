{#
    How far off its peg a coin is: watch from 25 and depeg from 100 basis points held for an hour, break from 500 at any
    moment. `held` is the shortfall that lasted, `deepest` the deepest one; both null is unknown.
#}
{% macro depeg_level(held, deepest) -%}
    case
        when greatest({{ held }}, {{ deepest }}) >= 500 then 'break'
        when {{ held }} >= 100 then 'depeg'
        when {{ held }} >= 25 then 'watch'
        when {{ held }} is not null then 'none'
    end
{%- endmacro %}
