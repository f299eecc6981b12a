{# One line per dataset for whoever is on duty: how fresh, what is odd, what was restated. #}
with sources as (
    select * from {{ ref("sources") }}
),

findings as (
    select * from {{ ref("findings") }}
),

restatements as (
    select * from {{ ref("restatements") }}
),

found as (
    select
        table_name,
        sum(case when severity = 'error' then 1 else 0 end) as error_count,
        sum(case when severity = 'warning' then 1 else 0 end) as warning_count,
        sum(case when severity = 'info' then 1 else 0 end) as info_count
    from findings
    group by table_name
),

restated as (
    select table_name, count(*) as restatement_count, max(restated_at) as last_restated_at
    from restatements
    group by table_name
),

final as (
    select
        sources.table_name,
        sources.provider,
        sources.subject,
        sources.freshness,
        sources.last_status,
        sources.newest_period_at,
        sources.row_count,
        cast(coalesce(found.error_count, 0) as bigint) as error_count,
        cast(coalesce(found.warning_count, 0) as bigint) as warning_count,
        cast(coalesce(found.info_count, 0) as bigint) as info_count,
        cast(coalesce(restated.restatement_count, 0) as bigint) as restatement_count,
        restated.last_restated_at
    from sources
    left join found on sources.table_name = found.table_name
    left join restated on sources.table_name = restated.table_name
)

select * from final
