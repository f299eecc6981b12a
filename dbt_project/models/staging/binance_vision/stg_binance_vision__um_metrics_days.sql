{# A figure stamped with midnight closes the day before. #}
select
    symbol,
    {{ utc_date("period_ended_at - interval '1 microsecond'") }} as date,
    count(*) as vintage_count
from {{ source("raw", "binance_vision__um_metrics") }}
where {{ known_by("_available_at") }}
group by symbol, {{ utc_date("period_ended_at - interval '1 microsecond'") }}
