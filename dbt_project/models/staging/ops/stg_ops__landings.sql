select
    run_id,
    table_name,
    window_start as window_started_at,
    window_end as window_ended_at,
    landed_at,
    status,
    body_count,
    fetched_row_count,
    new_row_count,
    changed_row_count,
    duplicate_row_count,
    error_kind,
    error_message
from {{ source("ops", "landings") }}
where {{ known_by("landed_at") }}
