{#
    The state of the funds' flows on each day as it was known at the day's cut-off. A newest session more than four days
    old leaves the state unknown: silence is not calm.
#}
with sessions as (
    select * from {{ ref("int_etf_flow_states") }}
    where flow_usd is not null
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

days as (
    {{ date_rows("(select min(usable_on) from sessions)", "(select last_closed_date from market)") }}
),

runs as (
    select
        *,
        case
            when
                state = lag(state) over (partition by asset order by session_number)
                and episode is not distinct from lag(episode) over (partition by asset order by session_number)
                then 0
            else 1
        end as is_change
    from sessions
),

numbered as (
    select
        *,
        sum(is_change) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as run_number
    from runs
),

since as (
    select
        *,
        min(usable_on) over (partition by asset, run_number) as state_since_on,
        max(session_number) over (partition by asset, usable_on) as newest_number
    from numbered
),

spans as (
    select
        *,
        lead(usable_on) over (partition by asset order by session_number) as next_usable_on
    from since
    where session_number = newest_number
),

known as (
    select
        spans.*,
        days.date,
        {{ days_before("days.date", 4) }} <= spans.session_date as is_fresh
    from spans
    inner join days
        on days.date >= spans.usable_on and (days.date < spans.next_usable_on or spans.next_usable_on is null)
),

final as (
    select
        date,
        asset,
        case when is_fresh then state else 'unknown' end as state,
        case when is_fresh then state_since_on end as state_since_on,
        case when is_fresh then episode end as episode,
        session_date as newest_session_date,
        flow_usd as net_flow_usd,
        flow_5s_usd as net_flow_5s_usd,
        flow_5s_rank_pct,
        cast(observation_count as integer) as observation_count,
        worst_flow_5s_usd,
        median_outflow_usd,
        max_outflow_3s_usd,
        case when is_fresh then is_streak_over end as is_streak_over,
        case when is_fresh then is_flow_recovering end as is_flow_recovering,
        case when is_fresh then is_outflow_small end as is_outflow_small,
        case when is_fresh then is_persistent end as is_persistent,
        pending_share_pct,
        is_provisional,
        nullif(
            concat_ws(
                ', ',
                case when not is_fresh then 'no session within four days' end,
                case when flow_5s_usd is null then 'five-session sum' end,
                case when flow_5s_usd is not null and flow_5s_rank_pct is null then 'rank' end,
                case when episode is not null and worst_flow_5s_usd is not null and max_outflow_3s_usd is null
                    then 'outflows of three sessions'
                end
            ),
            ''
        ) as missing_evidence,
        known_at as available_at
    from known
)

select * from final
