{#
    Windows of time that each dataset has been read for completely: only there is no row a zero. As in stg_ops__read_until,
    a window counts from when it could have been read, and none reaches beyond the instant asked for.
#}
select
    run_id,
    table_name,
    window_start as window_started_at,
    {{ at_most_as_of("window_end") }} as window_ended_at
from {{ source("ops", "landings") }}
where status in ('landed', 'unchanged') and {{ known_by("window_start") }}
