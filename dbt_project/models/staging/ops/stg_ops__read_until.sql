{#
    Until when each dataset has been read. A window that was read later than it could have been counts like the rows it
    brought, from when it could have been read: so no window reaches beyond the instant asked for.
#}
select
    table_name,
    max({{ at_most_as_of("window_end") }}) as read_until
from {{ source("ops", "landings") }}
where status in ('landed', 'unchanged') and {{ known_by("window_start") }}
group by table_name
