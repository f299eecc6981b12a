{#
    F1: net flow of all US spot funds of an asset in a session. A session of which a fund is still missing has no value.
#}
with sessions as (
    select * from {{ ref("int_etf_flow_sessions") }}
),

final as (
    select
        session_date as observed_date,
        asset as scope,
        net_flow_usd as value,
        available_at
    from sessions
)

select * from final
