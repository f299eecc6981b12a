{#
    The outlook board: three questions about the way out of stress, each answered for every closed day from what was known
    at its cut-off. An answer says what it rests on, what is missing and since when it stands; it predicts nothing, and
    whether such answers have ever told anything about what followed is in the scorecard of the rules.
#}
with calendar as (
    select * from {{ ref("int_index_calendar") }}
),

flows as (
    select * from {{ ref("fct_etf_flow_states_daily") }}
    where asset = 'btc'
),

accumulation as (
    select * from {{ ref("fct_institutional_accumulation_weekly") }}
),

leverage as (
    select * from {{ ref("fct_leverage_states_daily") }}
    where scope = 'market'
),

-- A weekly evaluation answers until the next one, and no longer than ten days.
newest_weeks as (
    select
        calendar.date,
        max(accumulation.week_ended_on) as week_ended_on
    from calendar
    inner join accumulation
        on accumulation.week_ended_on <= calendar.date and accumulation.week_ended_on > {{ days_before("calendar.date", 10) }}
    group by calendar.date
),

answers as (
    select
        calendar.date,
        'etf_flows_stabilised' as variable,
        case
            when flows.state in ('quiet', 'stabilised', 'reversed') then 'yes'
            when flows.state = 'outflow' then 'no'
            else 'undetermined'
        end as answer,
        flows.state,
        'five sessions to ' || cast(flows.newest_session_date as varchar) || ': '
        || cast(round(flows.net_flow_5s_usd / 1e6) as bigint) || ' million US dollars'
        || coalesce(', rank ' || cast(cast(round(flows.flow_5s_rank_pct) as integer) as varchar) || ' of 100', '') as evidence,
        case when flows.date is null then 'fund flows' else flows.missing_evidence end as missing_evidence
    from calendar
    left join flows on calendar.date = flows.date
    union all
    select
        calendar.date,
        'institutions_back' as variable,
        case
            when accumulation.state = 'REACCUMULATING' then 'yes'
            when accumulation.state in ('NOT_REACCUMULATING', 'FIRST_WEEK') then 'no'
            else 'undetermined'
        end as answer,
        accumulation.state,
        cast(accumulation.positive_count as varchar) || ' of ' || cast(accumulation.available_count as varchar)
        || ' flags in the week to ' || cast(accumulation.week_ended_on as varchar) as evidence,
        case
            when accumulation.week_ended_on is null then 'weekly evaluation'
            else nullif({{ joined_texts("accumulation.missing_flags") }}, '')
        end as missing_evidence
    from calendar
    left join newest_weeks on calendar.date = newest_weeks.date
    left join accumulation on newest_weeks.week_ended_on = accumulation.week_ended_on
    union all
    select
        calendar.date,
        'leverage_cleared' as variable,
        case
            when leverage.state = 'CLEARED' then 'yes'
            when leverage.state is not null then 'no'
            else 'undetermined'
        end as answer,
        leverage.state,
        cast(leverage.met_flag_count as varchar) || ' of ' || cast(leverage.available_flag_count as varchar)
        || ' flags; open interest in coins ' || cast(cast(round(leverage.drawdown_90d_pct) as integer) as varchar)
        || ' % under its 90-day high' as evidence,
        case when leverage.state is null then 'open interest' else nullif(leverage.missing_flags, '') end as missing_evidence
    from calendar
    left join leverage on calendar.date = leverage.date
),

changes as (
    select
        *,
        case
            when
                answer is distinct from lag(answer) over (partition by variable order by date)
                or state is distinct from lag(state) over (partition by variable order by date)
                then 1
            else 0
        end as is_change
    from answers
),

spells as (
    select
        *,
        sum(is_change) over (partition by variable order by date rows between unbounded preceding and current row) as spell
    from changes
),

final as (
    select
        date,
        variable,
        case variable
            when 'etf_flows_stabilised' then 'Have fund flows stabilised?'
            when 'institutions_back' then 'Are institutions back?'
            when 'leverage_cleared' then 'Is leverage cleared?'
        end as question,
        answer,
        state,
        evidence,
        missing_evidence,
        min(date) over (partition by variable, spell) as since_on,
        cast(row_number() over (partition by variable, spell order by date) as integer) as state_day_count,
        {{ cutoff("date") }} as known_at
    from spells
)

select * from final
