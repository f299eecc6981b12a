{#
    Windows that came completely. A window that was read later than it could have been counts like the rows it brought,
    from when it could have been read: so it begins before the instant asked for, and does not reach beyond it.
#}
select distinct
    table_name,
    window_start as window_started_at,
    {{ at_most_as_of("window_end") }} as window_ended_at
from {{ source("ops", "landings") }}
where status in ('landed', 'unchanged') and {{ known_by("window_start") }}
