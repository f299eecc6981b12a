select
    symbol,
    {{ utc_date("snapshot_at") }} as date,
    count(*) as vintage_count
from {{ source("raw", "binance_vision__um_book_depth") }}
where {{ known_by("_available_at") }}
group by symbol, {{ utc_date("snapshot_at") }}
