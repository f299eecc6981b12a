{# How grave an exploit is: 1, 2 from 100 and 3 from 500 million dollars; null while nobody knows the loss. #}
{% macro loss_severity(loss_usd) -%}
    case
        when {{ loss_usd }} >= 5e8 then 3
        when {{ loss_usd }} >= 1e8 then 2
        when {{ loss_usd }} is not null then 1
    end
{%- endmacro %}
