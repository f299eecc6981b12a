select
    date,
    term,
    pillar_i,
    pillar_j,
    points
from {{ source("ops", "print_terms") }}
