select
    date,
    pillar_i,
    pillar_j,
    rho
from {{ source("ops", "print_correlations") }}
where date in (select prints.date from {{ source("ops", "prints") }} as prints where {{ known_by("prints.printed_at") }})
