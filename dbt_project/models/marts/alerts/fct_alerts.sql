{#
    Alerts as episodes: a condition opens one, and it closes after three days without the condition, so that a value that
    trembles about a threshold is told once. Nothing is sent from here; `undertow alerts` delivers what is open and new.
#}
{% set quiet_days = var("alert_quiet_days") %}

with prints as (
    select * from {{ ref("stress_index_daily") }}
),

pillars as (
    select * from {{ ref("stress_pillars_daily") }}
),

indicators as (
    select * from {{ ref("stress_indicators_daily") }}
),

contributions as (
    select * from {{ ref("stress_contributions_daily") }}
),

calendar as (
    select * from {{ ref("int_index_calendar") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

rules as (
    select * from {{ ref("alert_rules") }}
),

missing as (
    select
        date,
        sum(case when is_fresh then 0 else 1 end) as missing_count,
        {{ text_list("indicator", "not is_fresh") }} as missing_inputs
    from indicators
    group by date
),

foremost as (
    select
        date,
        max(case when place = 1 then pillar || ' ' || cast(round(points, 1) as varchar) end)
        || ', ' || max(case when place = 2 then pillar || ' ' || cast(round(points, 1) as varchar) end) as pillars
    from (
        select *, row_number() over (partition by date order by points desc, pillar) as place from contributions
    ) as placed
    group by date
),

readings as (
    select
        prints.*,
        'CMSI ' || cast(round(prints.cmsi, 1) as varchar)
        || ', percentile ' || cast(cast(round(prints.percentile) as integer) as varchar)
        || ', most from ' || coalesce(foremost.pillars, 'no pillar') as words
    from prints
    left join foremost on prints.date = foremost.date
),

conditions as (
    select date, 'severe_stress' as rule, 'cmsi' as subject, cmsi as measure, words as evidence
    from readings
    where regime = 'severe'
    union all
    select date, 'high_stress', 'cmsi', cmsi, words
    from readings
    where regime in ('high', 'severe')
    union all
    select date, 'pillar_alarm', pillar, score, pillar || ' scores ' || cast(round(score, 3) as varchar)
    from pillars
    where is_valid and score >= {{ var("pillar_alarm_score") }}
    union all
    select date, 'missing_inputs', 'inputs', missing_count, 'missing: ' || {{ joined_texts("missing_inputs") }}
    from missing
    where missing_count >= {{ var("missingness_alarm_inputs") }}
    union all
    select date, 'degraded_index', 'cmsi', coverage, 'coverage ' || cast(cast(round(100 * coverage) as integer) as varchar) || ' %'
    from prints
    where status = 'degraded'
    union all
    select calendar.date, 'no_print', 'cmsi', null, 'no print of ' || cast(calendar.date as varchar)
    from calendar
    left join prints on calendar.date = prints.date
    where prints.date is null and calendar.date > (select min(date) from prints)
),

steps as (
    select
        *,
        case
            when date - lag(date) over (partition by rule, subject order by date) <= {{ quiet_days }} then 0
            else 1
        end as is_start
    from conditions
),

numbered as (
    select *, sum(is_start) over (partition by rule, subject order by date) as episode_number
    from steps
),

episodes as (
    select
        rule,
        subject,
        min(date) as opened_on,
        max(date) as last_on,
        count(*) as day_count,
        -- Coverage that falls is worse the lower it is, everything else the higher.
        case when rule = 'degraded_index' then min(measure) else max(measure) end as peak_value,
        {{ value_at_min("evidence", "date") }} as evidence,
        {{ value_at_max("evidence", "date") }} as latest_evidence
    from numbered
    group by rule, subject, episode_number
),

final as (
    select
        episodes.rule || '/' || episodes.subject || '/' || cast(episodes.opened_on as varchar) as alert_key,
        episodes.rule,
        episodes.subject,
        rules.severity,
        rules.title,
        episodes.opened_on,
        episodes.last_on,
        case
            when market.last_closed_date - episodes.last_on >= {{ quiet_days }}
                then cast(episodes.last_on + interval '{{ quiet_days }} days' as date)
        end as closed_on,
        market.last_closed_date - episodes.last_on < {{ quiet_days }} as is_open,
        cast(episodes.day_count as integer) as day_count,
        cast(episodes.peak_value as double) as peak_value,
        episodes.evidence,
        episodes.latest_evidence,
        opened.coverage,
        opened.status as coverage_status,
        rules.meaning,
        rules.action,
        market.market,
        '{{ var("method_version") }}' as method_version
    from episodes
    inner join rules on episodes.rule = rules.rule
    cross join market
    left join prints as opened on episodes.opened_on = opened.date
)

-- Who is told of severe stress need not be told on the same day that it is high.
select final.*
from final
left join final as severe
    on final.rule = 'high_stress' and severe.rule = 'severe_stress' and final.opened_on = severe.opened_on
where severe.alert_key is null
