select
    table_name,
    period_at,
    entity,
    column_name,
    value_before,
    value_after,
    relative_change_ratio,
    first_given_at,
    restated_at,
    run_id
from {{ source("ops", "restatements") }}
where {{ known_by("restated_at") }}
