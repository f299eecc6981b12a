{#
    What happened, of every kind, one below the other: to write beside a chart. Stress has no instant from which it
    was known.
#}
with stress as (
    select * from {{ ref("dim_stress_events") }}
),

regulatory as (
    select * from {{ ref("dim_regulatory_events") }}
),

hacks as (
    select * from {{ ref("int_hacks") }}
),

tally as (
    select
        'stress' as event_type,
        event_id,
        case when is_control then 'control' else 'episode' end as kind,
        title,
        scope,
        started_on as event_on,
        ended_on,
        cast(null as date) as effective_on,
        cast(null as integer) as severity,
        cast(null as double) as loss_usd,
        source,
        confidence,
        revision as revision_count,
        cast(null as timestamp with time zone) as first_seen_at
    from stress
    union all
    select
        'regulatory' as event_type,
        event_id,
        kind,
        title,
        jurisdiction as scope,
        event_on,
        cast(null as date) as ended_on,
        effective_on,
        severity,
        cast(null as double) as loss_usd,
        source,
        confidence,
        revision as revision_count,
        available_at as first_seen_at
    from regulatory
    union all
    select
        'security' as event_type,
        hacked_on || ' ' || name || ' ' || technique as event_id,
        coalesce(classification, 'unknown') as kind,
        name as title,
        'protocol' as scope,
        hacked_on as event_on,
        cast(null as date) as ended_on,
        cast(null as date) as effective_on,
        {{ loss_severity("loss_usd") }} as severity,
        loss_usd,
        coalesce(source_url, 'DefiLlama ledger of exploits') as source,
        'ledger' as confidence,
        cast(vintage_count as integer) as revision_count,
        available_at as first_seen_at
    from hacks
),

final as (
    select
        event_type,
        event_id,
        kind,
        title,
        scope,
        event_on,
        ended_on,
        effective_on,
        severity,
        loss_usd,
        source,
        confidence,
        revision_count,
        first_seen_at
    from tally
)

select * from final
