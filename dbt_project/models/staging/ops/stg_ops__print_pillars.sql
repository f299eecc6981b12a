select
    date,
    pillar,
    weight,
    score,
    mid_score,
    is_valid,
    is_usable,
    fresh_weight_ratio,
    points
from {{ source("ops", "print_pillars") }}
where date in (select prints.date from {{ source("ops", "prints") }} as prints where {{ known_by("prints.printed_at") }})
