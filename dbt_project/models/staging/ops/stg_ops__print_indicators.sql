select
    date,
    indicator,
    pillar,
    weight,
    observed_date,
    value,
    available_at,
    z,
    z_mid,
    age_days,
    is_carried,
    is_fresh,
    points
from {{ source("ops", "print_indicators") }}
where date in (select prints.date from {{ source("ops", "prints") }} as prints where {{ known_by("prints.printed_at") }})
