{#
    From which archived response the rows of a day came, for the raw tables behind the index. Raw rows only ever come, so
    a run whose number of rows is the one counted before is not counted again.
#}
{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key=["table_name", "run_id"]) }}

with
{% for table in lineage_tables() -%}
{{ table.table }}_rows as (
    select
        '{{ table.table }}' as table_name,
        {{ table.series or "''" }} as series,
        {{ utc_date(table.instant) }} as date,
        _body_sha256 as body_sha256,
        _run_id as run_id,
        _vintage_at as retrieved_at,
        min(_available_at) as first_available_at,
        count(*) as row_count
    from {{ source("raw", table.table) }}
    where {{ known_by("_available_at") }}
    {%- if is_incremental() %}
    and _run_id in (
        select counted.run_id
        from (select _run_id as run_id, count(*) as row_count from {{ source("raw", table.table) }} group by _run_id) as counted
        left join (
            select run_id, sum(row_count) as row_count
            from {{ this }}
            where table_name = '{{ table.table }}'
            group by run_id
        ) as known
            on counted.run_id = known.run_id
        where known.row_count is distinct from counted.row_count
    )
    {%- endif %}
    group by all
),

{% endfor -%}
final as (
    {%- for table in lineage_tables() %}
    select * from {{ table.table }}_rows
    {{ "union all" if not loop.last }}
    {%- endfor %}
)

select * from final
