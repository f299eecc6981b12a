{#
    The newest vintage of each key of a raw table, or the newest that was available at var('as_of').

    Adds `available_at`, the instant from which the key first had a figure: a later restatement changes the figure, not
    the day from which the market could act on one. `known_when` says which vintages carry a figure at all, for sources
    that show a key before its value (a pending ETF cell).
#}
{% macro latest_vintage(relation, key, known_when=none) -%}
    select *
    from (
        select
            *,
            min({{ "case when " ~ known_when ~ " then _available_at end" if known_when else "_available_at" }})
                over (partition by {{ key | join(", ") }}) as available_at,
            count(*) over (partition by {{ key | join(", ") }}) as vintage_count,
            row_number() over (partition by {{ key | join(", ") }} order by _vintage_at desc, {{ arrival() }} desc) as _recency
        from {{ relation }}
        where {{ known_by("_available_at") }}
    ) as vintages
    where _recency = 1
{%- endmacro %}
