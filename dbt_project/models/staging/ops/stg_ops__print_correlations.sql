select
    date,
    pillar_i,
    pillar_j,
    rho
from {{ source("ops", "print_correlations") }}
