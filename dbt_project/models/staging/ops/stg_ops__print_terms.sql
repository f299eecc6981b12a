select
    date,
    term,
    pillar_i,
    pillar_j,
    points
from {{ source("ops", "print_terms") }}
where date in (select prints.date from {{ source("ops", "prints") }} as prints where {{ known_by("prints.printed_at") }})
