{#
    Acts of authorities and exchanges. Three days are told apart: of the act, of the first report and of effect. The
    hour of a report is not known, so it counts from the end of its day.
#}
with events as (
    select * from {{ ref("regulatory_events") }}
),

final as (
    select
        event_id,
        kind,
        title,
        jurisdiction,
        event_on,
        date_precision,
        first_reported_on,
        effective_on,
        direction,
        severity,
        source_kind,
        source,
        confidence,
        revision,
        note,
        cast(first_reported_on as timestamp with time zone) + interval '1 day' as available_at
    from events
    where {{ known_by("cast(first_reported_on as timestamp with time zone) + interval '1 day'") }}
)

select * from final
