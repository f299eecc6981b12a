{# The register as it stands: terms, cadence, how fresh, and what was last said about it. #}
{% set raw_sources = [] %}
{% if execute %}
    {% for node in graph.sources.values() | sort(attribute="name") if node.source_name == "raw" %}
        {% do raw_sources.append(node) %}
    {% endfor %}
{% endif %}

with datasets as (
    select * from {{ ref("stg_ops__datasets") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

landings as (
    select * from {{ ref("stg_ops__landings") }}
),

last_landings as (
    select *
    from (
        select
            *,
            -- A market's clock can stand still: of attempts at one window and instant, one that came completely counts.
            row_number() over (
                partition by table_name
                order by landed_at desc, window_ended_at desc, case when status in ('failed', 'not_recorded') then 1 else 0 end
            ) as recency
        from landings
    ) as ranked
    where recency = 1
),

row_counts as (
    {% for node in raw_sources %}
    select
        '{{ node.name }}' as table_name,
        count(*) as row_count,
        cast(max({{ node.meta.get("time_column") or node.config.get("meta", {}).get("time_column") }}) as timestamp with time zone)
            as newest_period_at
    from {{ source("raw", node.name) }}
    where {{ known_by("_available_at") }}
    {{ "union all" if not loop.last }}
    {% else %}
    select cast(null as varchar) as table_name, 0 as row_count, cast(null as timestamp with time zone) as newest_period_at
    {% endfor %}
),

final as (
    select
        datasets.table_name,
        datasets.provider,
        datasets.provider_title,
        datasets.dataset,
        datasets.subject,
        datasets.description,
        datasets.grain,
        datasets.licence,
        datasets.frequency,
        datasets.cron,
        datasets.needs_key,
        datasets.docs_url,
        row_counts.row_count,
        row_counts.newest_period_at,
        {{ hours_between("row_counts.newest_period_at", "market.now_at") }} as age_hours,
        case
            when row_counts.newest_period_at is null then 'empty'
            when {{ hours_between("row_counts.newest_period_at", "market.now_at") }} > datasets.stale_after_seconds / 3600.0 then 'stale'
            else 'fresh'
        end as freshness,
        last_landings.landed_at as last_landed_at,
        last_landings.status as last_status,
        last_landings.error_message as last_error
    from datasets
    cross join market
    left join row_counts on datasets.table_name = row_counts.table_name
    left join last_landings on datasets.table_name = last_landings.table_name
)

select * from final
