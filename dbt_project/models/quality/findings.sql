{# Everything odd that is known about the data, one row each: rules for any table, then those that know what figures mean. #}
{%- set by_meaning = [
    "sum_of_parts",
    "all_parts_zero",
    "pending",
    "crossed_bands",
    "amount_to_check",
    "listed_twice",
    "vendor_differences",
    "clock_shifts",
    "degenerate_candles",
    "double_sided",
    "rows_without_session",
] -%}
{%- set names = {
    "vendor_differences": "vendor_difference",
    "clock_shifts": "clock_shift",
    "rows_without_session": "not_a_session",
} -%}

with odd_rows as (
    select * from {{ ref("stg_ops__findings") }}
),

sources as (
    select * from {{ ref("sources") }}
),

quarantine as (
    select * from {{ ref("quarantine") }}
),

novelties as (
    select * from {{ ref("novelties") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

rules as (
    select * from {{ ref("quality_rules") }}
),

found as (
    select rule, table_name, entity, column_name, started_at, ended_at, row_count, measure, detail, found_at
    from odd_rows
    union all
    select
        case when last_status = 'failed' then 'source_failed' else 'not_recorded' end as rule,
        table_name,
        '' as entity,
        '' as column_name,
        last_landed_at as started_at,
        last_landed_at as ended_at,
        0 as row_count,
        cast(null as double) as measure,
        last_error as detail,
        last_landed_at as found_at
    from sources
    where last_status in ('failed', 'not_recorded')
    union all
    select
        'stale' as rule,
        sources.table_name,
        '' as entity,
        '' as column_name,
        sources.newest_period_at as started_at,
        market.now_at as ended_at,
        0 as row_count,
        sources.age_hours as measure,
        'the newest period is ' || cast(round(sources.age_hours / 24.0, 1) as varchar) || ' days old' as detail,
        market.now_at as found_at
    from sources
    cross join market
    where sources.freshness = 'stale'
    union all
    select
        'quarantined' as rule,
        table_name,
        url as entity,
        '' as column_name,
        min(window_started_at) as started_at,
        max(window_ended_at) as ended_at,
        count(*) as row_count,
        cast(null as double) as measure,
        message as detail,
        min(retrieved_at) as found_at
    from quarantine
    group by table_name, url, message
    union all
    select
        'new_field' as rule,
        table_name,
        '' as entity,
        column_name,
        first_seen_at as started_at,
        first_seen_at as ended_at,
        0 as row_count,
        cast(null as double) as measure,
        'first seen in ' || body_sha256 as detail,
        first_seen_at as found_at
    from novelties
    {%- for rule in by_meaning %}
    union all
    select
        '{{ names.get(rule, rule) }}' as rule, table_name, entity, column_name, started_at, ended_at, row_count, measure, detail, market.now_at as found_at
    from {{ ref("int_quality__" ~ rule) }}
    cross join market
    {%- endfor %}
),

final as (
    select
        found.rule,
        rules.title,
        rules.severity,
        found.table_name,
        sources.provider,
        sources.subject,
        found.entity,
        found.column_name,
        found.started_at,
        found.ended_at,
        cast(found.row_count as bigint) as row_count,
        found.measure,
        found.detail,
        found.found_at
    from found
    inner join rules on found.rule = rules.rule
    left join sources on found.table_name = sources.table_name
)

select * from final
