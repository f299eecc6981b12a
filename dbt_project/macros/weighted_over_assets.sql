{#
    One market value per day (or whatever moment `at` counts) from one value per asset and day, weighted by the assets'
    declared stress weights.

    An asset joins the panel on the first day it has a value and stays in it: from then on a day on which it is missing
    has no market value at all, because a mean over whoever is left would move for the wrong reason.

    `relation` has columns asset, date, <value>, available_at. Yields observed_date, value, available_at; with another
    `at`, that column in the place of the two dates.
#}
{% macro weighted_over_assets(relation, value, weight="stress_weight", at="date") -%}
    select
        days.{{ at }}{{ " as observed_date" if at == "date" }},
        sum(assets.{{ weight }} * readings.{{ value }}) / sum(assets.{{ weight }}) as value,
        max(readings.available_at) as available_at
    from (select distinct {{ at }} from {{ relation }} where {{ value }} is not null) as days
    inner join (
        select asset, min({{ at }}) as entered_on from {{ relation }} where {{ value }} is not null group by asset
    ) as panel
        on days.{{ at }} >= panel.entered_on
    inner join {{ ref("assets") }} as assets
        on panel.asset = assets.asset
    left join {{ relation }} as readings
        on panel.asset = readings.asset and days.{{ at }} = readings.{{ at }}
    group by days.{{ at }}
    having count(*) = count(readings.{{ value }})
{%- endmacro %}
