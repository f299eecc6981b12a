select
    date,
    market,
    cmsi,
    percentile,
    q,
    linear_bound,
    mean_correlation,
    coverage,
    status,
    regime,
    previous_cmsi,
    basis,
    cutoff_at,
    printed_at,
    input_hash,
    input_count,
    method_version,
    code_version,
    run_id
from {{ source("ops", "prints") }}
where {{ known_by("printed_at") }}
