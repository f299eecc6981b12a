{#
    One market value per day from one value per asset and day, weighted by the assets' declared stress weights.

    An asset joins the panel on the first day it has a value and stays in it: from then on a day on which it is missing
    has no market value at all, because a mean over whoever is left would move for the wrong reason.

    `relation` has columns asset, date, <value>, available_at. Yields observed_date, value, available_at.
#}
{% macro weighted_over_assets(relation, value, weight="stress_weight") -%}
    select
        days.date as observed_date,
        sum(assets.{{ weight }} * readings.{{ value }}) / sum(assets.{{ weight }}) as value,
        max(readings.available_at) as available_at
    from (select distinct date from {{ relation }} where {{ value }} is not null) as days
    inner join (
        select asset, min(date) as entered_on from {{ relation }} where {{ value }} is not null group by asset
    ) as panel
        on days.date >= panel.entered_on
    inner join {{ ref("assets") }} as assets
        on panel.asset = assets.asset
    left join {{ relation }} as readings
        on panel.asset = readings.asset and days.date = readings.date
    group by days.date
    having count(*) = count(readings.{{ value }})
{%- endmacro %}
