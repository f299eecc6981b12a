{#
    One row per outflow episode of the funds (C4). Every `_on` is the first day whose cut-off knew it; every
    `_session_date` is the session it is about.
#}
with sessions as (
    select * from {{ ref("int_etf_flow_states") }}
    where episode is not null
),

moves as (
    select
        *,
        case
            when
                state = 'outflow'
                and lag(state) over (partition by asset, episode order by session_number) = 'stabilised'
                then 1
            else 0
        end as is_relapse
    from sessions
),

final as (
    select
        asset,
        episode,
        min(session_date) as opened_session_date,
        min(usable_on) as opened_on,
        min(case when state = 'stabilised' then session_date end) as stabilised_session_date,
        min(case when state = 'stabilised' then usable_on end) as stabilised_on,
        min(case when state = 'reversed' then session_date end) as reversed_session_date,
        min(case when state = 'reversed' then usable_on end) as reversed_on,
        {{ value_at_max("state", "session_number") }} as last_state,
        min(case when state <> 'reversed' then flow_5s_usd end) as worst_flow_5s_usd,
        {{ value_at_max("session_date", "case when state <> 'reversed' then -flow_5s_usd end") }} as worst_session_date,
        sum(case when state <> 'reversed' then flow_usd end) as net_flow_usd,
        cast(sum(case when state <> 'reversed' then 1 else 0 end) as integer) as duration_sessions,
        cast(sum(case when state <> 'reversed' and flow_usd < 0 then 1 else 0 end) as integer) as outflow_sessions,
        cast(sum(case when state <> 'reversed' and (is_provisional or flow_usd is null) then 1 else 0 end) as integer)
            as provisional_sessions,
        cast(sum(is_relapse) as integer) as relapse_count,
        coalesce(max(case when state = 'reversed' then 0 end), max(case when is_before_hole then 1 else 0 end)) = 1
            as is_broken_off,
        max(known_at) as available_at
    from moves
    group by asset, episode
)

select * from final
