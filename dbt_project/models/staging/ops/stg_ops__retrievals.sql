select
    table_name,
    sequence,
    run_id,
    window_start as window_started_at,
    window_end as window_ended_at,
    url,
    method,
    params,
    content,
    status as http_status,
    sha256 as body_sha256,
    byte_count,
    retrieved_at,
    row_count,
    outcome,
    message,
    first_period_at,
    last_period_at,
    path
from {{ source("ops", "retrievals") }}
where {{ known_by("retrieved_at") }}
