select
    market,
    title,
    is_simulated,
    now_at,
    -- The last day whose cut-off has passed: younger days have no print yet, whatever is already known of them.
    {{ utc_date("now_at - interval '1 day' - interval '" ~ var("cutoff_minutes") ~ " minutes'") }} as last_closed_date
from {{ source("ops", "market") }}
