select
    run_id,
    code_version,
    started_at
from {{ source("ops", "builds") }}
where {{ known_by("started_at") }}
