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
