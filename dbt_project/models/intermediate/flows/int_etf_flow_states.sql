{#
    Outflow episodes of the US spot funds, session by session (C4). Each row says what could be said once every session
    up to it was known, and `usable_on` is the first day whose cut-off knew that much; the machine looks back only.

    An episode opens when the five-session sum ranks in the lowest tenth of the trailing window and ends when it ranks
    at or above the sixtieth per cent (reversal). Within it, flows have stabilised when for three sessions running there
    was no outflow, the five-session sum had recovered to a quarter of the episode's worst, and the largest outflow of
    three sessions was below the episode's median outflow; a new sum in the lowest tenth undoes that. Behind a hole of
    more than ten sessions the machine starts afresh: what became of the episode before it is not known.
#}
{{ config(materialized="table") }}

with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
    where is_listed
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

funds as (
    select * from {{ ref("etf_funds") }}
),

sourced as (
    select asset, sum(opening_holdings_native) as opening_holdings_native from funds group by asset
),

-- What each fund held before the session, so that a missing fund can be weighed.
weighed as (
    select
        cells.*,
        case
            when sourced.opening_holdings_native is not null
                then greatest(
                    0.0,
                    coalesce(funds.opening_holdings_native, 0)
                    + coalesce(sum(cells.net_flow_usd / prices.close_usd) over earlier_sessions, 0)
                )
        end as held_native
    from cells
    left join prices on cells.asset = prices.asset and cells.session_date = prices.date
    left join funds on cells.asset = funds.asset and cells.ticker = funds.ticker
    left join sourced on cells.asset = sourced.asset
    window earlier_sessions as (
        partition by cells.asset, cells.ticker
        order by cells.session_number rows between unbounded preceding and 1 preceding
    )
),

gathered as (
    select
        asset,
        session_date,
        session_number,
        sum(net_flow_usd) as reported_flow_usd,
        count(net_flow_usd) as reporting_fund_count,
        sum(case when is_pending then 1 else 0 end) as pending_fund_count,
        case
            when sum(case when is_pending then 1 else 0 end) = 0 then 0.0
            else 100.0 * sum(case when is_pending then held_native else 0 end) / nullif(sum(held_native), 0)
        end as pending_share_pct,
        max(available_at) as available_at
    from weighed
    group by asset, session_date, session_number
),

-- A session counts when the funds that have not reported hold less than five per cent of the coins.
sessions as (
    select
        *,
        case when reporting_fund_count > 0 and pending_share_pct < 5 then reported_flow_usd end as flow_usd,
        max(available_at) over to_date as known_at
    from gathered
    window to_date as (partition by asset order by session_number rows between unbounded preceding and current row)
),

gaps as (
    select
        *,
        case
            when
                session_number - max(case when flow_usd is not null then session_number end) over (
                    partition by asset order by session_number rows between unbounded preceding and 1 preceding
                ) > 10
                then 1
            else 0
        end as is_restart
    from sessions
),

segments as (
    select
        *,
        sum(is_restart) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as segment_number
    from gaps
),

summed as (
    select
        *,
        case when count(flow_usd) over last_five = 5 then sum(flow_usd) over last_five end as flow_5s_usd,
        case when count(flow_usd) over last_three = 3 then max(greatest(0.0, -flow_usd)) over last_three end
            as max_outflow_3s_usd,
        max(case when pending_fund_count > 0 then 1 else 0 end) over last_five = 1 as is_provisional
    from segments
    window
        last_five as (partition by asset order by session_number range between 4 preceding and current row),
        last_three as (partition by asset order by session_number range between 2 preceding and current row)
),

ranked as (
    select
        asset,
        session_number,
        count(*) over rank_window as observation_count,
        100.0 * {{ count_not_above("flow_5s_usd", "rank_window") }} / count(*) over rank_window as flow_5s_rank_pct
    from summed
    where flow_5s_usd is not null
    window rank_window as (
        partition by asset order by session_date
        range between interval '{{ var("rank_window_days") - 1 }} days' preceding and current row
    )
),

signals as (
    select
        summed.*,
        ranked.observation_count,
        case when ranked.observation_count >= {{ var("flow_rank_min_sessions", 250) }} then ranked.flow_5s_rank_pct end
            as flow_5s_rank_pct
    from summed
    left join ranked on summed.asset = ranked.asset and summed.session_number = ranked.session_number
),

marked as (
    select
        *,
        max(case when flow_5s_rank_pct <= 10 then session_number end) over to_date as last_opening_number,
        max(case when flow_5s_rank_pct < 60 then session_number end) over to_date as last_below_number,
        count(flow_5s_rank_pct) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as ranked_count
    from signals
    window to_date as (
        partition by asset, segment_number order by session_number rows between unbounded preceding and current row
    )
),

closed as (
    select
        *,
        min(case when flow_5s_rank_pct >= 60 then session_number end) over since_opening as reversal_number
    from marked
    window since_opening as (
        partition by asset, segment_number, last_opening_number order by session_number
        rows between unbounded preceding and current row
    )
),

phases as (
    select
        *,
        last_opening_number is not null and reversal_number is null as is_in_episode,
        last_opening_number is not null and coalesce(last_below_number < reversal_number, false) as is_reversed
    from closed
),

started as (
    select
        *,
        case
            when
                is_in_episode
                and not coalesce(
                    lag(is_in_episode) over (partition by asset, segment_number order by session_number), false
                )
                then 1
            else 0
        end as is_start
    from phases
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by asset order by session_number rows between unbounded preceding and current row
        ) as episode_count
    from started
),

-- Within an episode: its worst sum and its median outflow so far.
measured as (
    select
        *,
        case when is_in_episode then min(flow_5s_usd) over of_episode end as worst_flow_5s_usd,
        case when is_in_episode then {{ median_over("case when flow_usd < 0 then -flow_usd end", "of_episode") }} end
            as median_outflow_usd
    from numbered
    window of_episode as (
        partition by asset, episode_count, is_in_episode order by session_number
        rows between unbounded preceding and current row
    )
),

conditions as (
    select
        *,
        case when is_in_episode then flow_usd >= 0 end as is_streak_over,
        case when is_in_episode then flow_5s_usd >= 0.25 * worst_flow_5s_usd end as is_flow_recovering,
        case when is_in_episode then max_outflow_3s_usd < median_outflow_usd end as is_outflow_small
    from measured
),

persistent as (
    select
        *,
        case
            when is_in_episode and is_streak_over and is_flow_recovering and is_outflow_small then 1
            when is_in_episode and (not is_streak_over or not is_flow_recovering or not is_outflow_small) then 0
        end as is_calm
    from conditions
),

held as (
    select
        *,
        case
            when count(is_calm) over last_three = 3 then sum(is_calm) over last_three = 3
            when is_in_episode and min(is_calm) over last_three = 0 then false
        end as is_persistent
    from persistent
    window last_three as (
        partition by asset, episode_count, is_in_episode order by session_number
        range between 2 preceding and current row
    )
),

stabilised as (
    select
        *,
        coalesce(
            max(case when is_persistent then 1 else 0 end) over (
                partition by asset, segment_number, last_opening_number, is_in_episode order by session_number
                rows between unbounded preceding and current row
            ),
            0
        ) = 1 as has_stabilised
    from held
),

final as (
    select
        asset,
        session_date,
        session_number,
        case
            when is_in_episode and has_stabilised then 'stabilised'
            when is_in_episode then 'outflow'
            when is_reversed then 'reversed'
            else 'quiet'
        end as state,
        case
            when is_in_episode or is_reversed
                then asset || ' ' || cast(min(case when is_start = 1 then session_date end) over of_count as varchar)
        end as episode,
        flow_usd,
        flow_5s_usd,
        flow_5s_rank_pct,
        observation_count,
        worst_flow_5s_usd,
        median_outflow_usd,
        max_outflow_3s_usd,
        is_streak_over,
        is_flow_recovering,
        is_outflow_small,
        is_persistent,
        pending_share_pct,
        pending_fund_count,
        is_provisional,
        segment_number < max(segment_number) over (partition by asset) as is_before_hole,
        known_at,
        {{ usable_date("known_at") }} as usable_on
    from stabilised
    where ranked_count > 0 and known_at is not null
    window of_count as (partition by asset, episode_count)
)

select * from final
