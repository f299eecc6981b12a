select
    table_name,
    column_name,
    first_seen_at,
    sha256 as body_sha256
from {{ source("ops", "novelties") }}
where {{ known_by("first_seen_at") }}
