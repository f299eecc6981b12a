{{ config(materialized="table") }}

with flows as (
    select * from {{ ref("stg_farside__etf_flows") }}
),

sessions as (
    select * from {{ ref("int_nyse_sessions") }}
),

spans as (
    select
        *,
        min(case when net_flow_usd is not null then session_date end) over (partition by asset, ticker) as first_reported_date,
        max(case when net_flow_usd is not null then session_date end) over (partition by asset, ticker) as last_reported_date,
        max(session_date) over (partition by asset) as newest_session_date
    from flows
),

-- A dash before a fund's first figure means "not listed yet". One after it means "not reported yet" while the fund
-- still reports or the session is recent; a fund that has been silent for longer has left the table.
final as (
    select
        spans.asset,
        spans.session_date,
        sessions.session_number,
        spans.ticker,
        spans.net_flow_usd,
        spans.session_total_usd,
        spans.session_date >= spans.first_reported_date as is_listed,
        spans.net_flow_usd is null
        and spans.session_date >= spans.first_reported_date
        and (
            spans.session_date < spans.last_reported_date
            or spans.session_date >= {{ days_before("spans.newest_session_date", 7) }}
        ) as is_pending,
        spans.available_at
    from spans
    inner join sessions on spans.session_date = sessions.session_date
)

select * from final
