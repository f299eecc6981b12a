select
    table_name,
    rule,
    entity,
    column_name,
    started_at,
    ended_at,
    row_count,
    measure,
    detail,
    found_at
from {{ source("ops", "findings") }}
where {{ known_by("found_at") }}
