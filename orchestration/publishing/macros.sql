-- Questions as table macros of the published file: `from why('2025-11-04')`.
-- Tables carry their schema, so the macros work in the file itself and, after `USE`, in a session that attached it.
-- Parameters are never named like a column: an unqualified name would silently mean the column.

create macro why(on_day) as table
with print as (
    select
        daily.date,
        daily.cmsi,
    from marts.stress_index_daily as daily
    where daily.date = cast(on_day as date)
),
inputs as (
    select * from marts.stress_indicators_daily as daily
    where daily.date = cast(on_day as date)
),
contributions as (
    select * from marts.stress_indicator_contributions_daily as daily
    where daily.date = cast(on_day as date)
)
select
    coalesce(contributions.pillar, inputs.pillar) as pillar,
    coalesce(contributions.indicator, inputs.indicator) as indicator,
    register.title,
    inputs.value,
    register.unit,
    inputs.z,
    contributions.points,
    100 * contributions.points / nullif(print.cmsi, 0) as share_pct,
    inputs.observed_date,
    inputs.age_days,
    inputs.is_carried,
    inputs.is_fresh,
from inputs
full outer join contributions
    on inputs.pillar = contributions.pillar and inputs.indicator = contributions.indicator
left join marts.stress_register as register
    on register.indicator = coalesce(contributions.indicator, inputs.indicator)
left join print on true
order by contributions.points desc nulls last, pillar, indicator;

comment on macro table why is
'why(day): one row per pillar and indicator behind the print of a day, largest contribution first; points add up to cmsi. Inputs without points did not count that day.';

create macro changed(on_day) as table
select
    changes.term,
    nullif(changes.pillar_i, '') as pillar_i,
    nullif(changes.pillar_j, '') as pillar_j,
    changes.points,
from marts.stress_changes_daily as changes
where changes.date = cast(on_day as date)
order by abs(changes.points) desc, changes.term, changes.pillar_i, changes.pillar_j;

comment on macro table changed is
'changed(day): the terms of the change since the day before, largest first; points add up to the change of cmsi. Empty unless both days have a print.';

create macro index_between(first_day, last_day) as table
select *
from marts.stress_index_daily as daily
where daily.date between cast(first_day as date) and cast(last_day as date)
order by daily.date;

comment on macro table index_between is
'index_between(first, last): the prints from one day to another, both included.';

create macro missing(on_day) as table
select
    register.pillar,
    register.indicator,
    register.title,
    inputs.indicator is not null as is_in_panel,
    inputs.observed_date,
    inputs.age_days,
    register.max_age_days,
    register.inputs,
from marts.stress_register as register
left join marts.stress_indicators_daily as inputs
    on inputs.indicator = register.indicator and inputs.date = cast(on_day as date)
where not coalesce(inputs.is_fresh, false)
order by register.pillar, register.indicator;

comment on macro table missing is
'missing(day): inputs without a part in a day, with their last observation and how old it may be. Those in the panel are missing; the others have not entered it yet.';

create macro episodes(of_regime) as table
with numbered as (
    select
        daily.date,
        daily.cmsi,
        daily.regime,
        row_number() over (order by daily.date)
            - row_number() over (partition by daily.regime order by daily.date) as spell,
    from marts.stress_index_daily as daily
)
select
    min(numbered.date) as first_date,
    max(numbered.date) as last_date,
    count(*) as print_count,
    max(numbered.cmsi) as peak_cmsi,
    arg_max(numbered.date, numbered.cmsi) as peak_date,
from numbered
where numbered.regime = of_regime
group by numbered.spell
order by first_date;

comment on macro table episodes is
'episodes(regime): unbroken spells of prints in one regime, for example episodes(''severe''), with their peak.';
