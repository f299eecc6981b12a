{#
    Episodes of stress, set by hand and with hindsight. They name and explain; nothing is computed from them, because
    who sets labels knows what came after.
#}
with events as (
    select * from {{ ref("stress_events") }}
),

final as (
    select
        event_id,
        started_on,
        ended_on,
        onset_at,
        title,
        scope,
        liquidations_low_usd,
        liquidations_high_usd,
        source_kind,
        source,
        confidence,
        is_control,
        revision,
        note
    from events
)

select * from final
