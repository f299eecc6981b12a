{# The UTC day an instant falls on. Every connection runs with TimeZone UTC, which a test holds. #}
{% macro utc_date(instant) -%}
    cast({{ instant }} as date)
{%- endmacro %}

{#
    The first day D whose cut-off D+1 00:30 UTC is not before `available_at`: the day from which an index print may use
    the figure. The microsecond keeps a figure that arrives exactly at the cut-off on its own day.
#}
{% macro usable_date(available_at) -%}
    cast({{ available_at }} - interval '{{ var("cutoff_minutes") }} minutes' - interval '1 microsecond' as date)
{%- endmacro %}

{# The cut-off of a day: the instant up to which information counts for its print. #}
{% macro cutoff(day) -%}
    cast({{ day }} as timestamp with time zone) + interval '1 day' + interval '{{ var("cutoff_minutes") }} minutes'
{%- endmacro %}

{# The day `days` before `day`; a date again, not a timestamp. #}
{% macro days_before(day, days) -%}
    cast({{ day }} - interval '{{ days }} days' as date)
{%- endmacro %}

{# Hours from 1970 to an instant on the hour, a number that can be counted and subtracted. #}
{% macro hour_number(instant) -%}
    cast({{ hours_between("timestamp with time zone '1970-01-01 00:00:00+00'", instant) }} as bigint)
{%- endmacro %}

{# The end of the first hour whose grace of 30 minutes is not over before `available_at`: when a nowcast may use it. #}
{% macro usable_hour_ended_at(available_at) -%}
    date_trunc('hour', {{ available_at }} - interval '{{ var("cutoff_minutes") }} minutes' - interval '1 microsecond') + interval '1 hour'
{%- endmacro %}
