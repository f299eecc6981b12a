with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
    where is_pending
),

-- A vendor lists the newest session of a fund before its figures.
silent as (
    select *, max(session_date) over (partition by asset, ticker) as newest_session_date
    from {{ ref("stg_sosovalue__etf_flows") }}
),

waiting as (
    select 'farside__etf_flows' as table_name, asset, session_date from cells
    union all
    select 'sosovalue__etf_flows', asset, session_date from silent
    where net_flow_usd is null and session_date = newest_session_date
),

final as (
    select
        table_name,
        asset as entity,
        'net_flow_usd' as column_name,
        cast(session_date as timestamp with time zone) as started_at,
        cast(session_date as timestamp with time zone) as ended_at,
        count(*) as row_count,
        cast(null as double) as measure,
        cast(count(*) as varchar) || ' funds have not reported' as detail
    from waiting
    group by table_name, asset, session_date
)

select * from final
