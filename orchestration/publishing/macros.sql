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

create macro printed(on_day) as table
select
    latest.date,
    latest.first_cmsi,
    latest.first_regime,
    latest.first_basis,
    latest.first_printed_at,
    latest.cmsi,
    latest.regime,
    latest.difference,
    latest.is_restated,
from marts.cmsi_latest as latest
where latest.date = cast(on_day as date);

comment on macro table printed is
'printed(day): the first print of a day, which never changes, beside what is computed for it now.';

create macro why_rows(on_day, of_indicator) as table
with printed_input as (
    select
        inputs.indicator,
        inputs.observed_date,
        prints.printed_at,
    from marts.stress_print_indicators as inputs
    inner join marts.stress_index_prints as prints on prints.date = inputs.date
    where inputs.date = cast(on_day as date) and inputs.indicator = of_indicator
),
input as (
    select * from printed_input
    union all
    select
        inputs.indicator,
        inputs.observed_date,
        null as printed_at,
    from marts.stress_indicators_daily as inputs
    where
        inputs.date = cast(on_day as date)
        and inputs.indicator = of_indicator
        and not exists (select 1 from printed_input)
)
select
    lineage.part,
    days.table_name,
    nullif(days.series, '') as series,
    min(days.date) as first_date,
    max(days.date) as last_date,
    cast(sum(days.row_count) as bigint) as row_count,
    lineage.lookback_days is not null as is_bounded,
    coalesce(days.retrieved_at > any_value(input.printed_at), false) as is_later,
    days.retrieved_at,
    any_value(bodies.method) as method,
    any_value(bodies.url) as url,
    any_value(bodies.params) as params,
    any_value(bodies.content) as content,
    days.body_sha256,
    any_value(bodies.path) as path,
    any_value(bodies.sequence) as sequence,
from input
inner join marts.indicator_lineage as lineage on lineage.indicator = input.indicator
inner join meta.body_days as days
    on
        days.table_name = lineage.table_name
        and (coalesce(lineage.series, '') = '' or days.series = lineage.series)
        and days.date <= input.observed_date
        and (lineage.lookback_days is null or days.date >= input.observed_date - lineage.lookback_days)
left join meta.bodies as bodies
    on
        bodies.table_name = days.table_name
        and bodies.body_sha256 = days.body_sha256
        and bodies.retrieved_at = days.retrieved_at
group by lineage.part, days.table_name, days.series, days.retrieved_at, days.body_sha256, lineage.lookback_days is not null
order by is_bounded desc, lineage.part, days.table_name, days.series, last_date desc, days.retrieved_at, days.body_sha256;

comment on macro table why_rows is
'why_rows(day, indicator): the archived responses whose rows an input of the print of a day is made of, with request, hash and file. is_later: they came after the print. Not is_bounded: the part goes back to the beginning.';

create macro evidence(on_day) as table
with inputs as (
    select
        inputs.pillar,
        inputs.indicator,
        inputs.observed_date,
        prints.printed_at,
        inputs.points,
    from marts.stress_print_indicators as inputs
    inner join marts.stress_index_prints as prints on prints.date = inputs.date
    where inputs.date = cast(on_day as date)
)
select
    inputs.pillar,
    inputs.indicator,
    inputs.points,
    inputs.observed_date,
    lineage.part,
    lineage.table_name,
    lineage.series,
    min(days.date) as first_date,
    max(days.date) as last_date,
    cast(coalesce(sum(days.row_count) filter (where days.retrieved_at <= inputs.printed_at), 0) as bigint) as row_count,
    count(distinct days.body_sha256) filter (where days.retrieved_at <= inputs.printed_at) as body_count,
    max(days.retrieved_at) filter (where days.retrieved_at <= inputs.printed_at) as last_retrieved_at,
    cast(coalesce(sum(days.row_count) filter (where days.retrieved_at > inputs.printed_at), 0) as bigint) as later_row_count,
from inputs
inner join marts.indicator_lineage as lineage on lineage.indicator = inputs.indicator
left join meta.body_days as days
    on
        days.table_name = lineage.table_name
        and (coalesce(lineage.series, '') = '' or days.series = lineage.series)
        and days.date <= inputs.observed_date
        and (lineage.lookback_days is null or days.date >= inputs.observed_date - lineage.lookback_days)
group by
    inputs.pillar, inputs.indicator, inputs.points, inputs.observed_date, lineage.part, lineage.table_name, lineage.series
order by inputs.points desc nulls last, inputs.indicator, lineage.part, lineage.table_name;

comment on macro table evidence is
'evidence(day): for every input of the print of a day the raw tables it is made of, how many rows from how many archived responses, and how many rows came after the print. Ask why_rows(day, indicator) for the responses.';

create macro restated_rows(on_day) as table
select
    inputs.indicator,
    restatements.table_name,
    restatements.entity,
    restatements.column_name,
    restatements.period_at,
    restatements.value_before,
    restatements.value_after,
    restatements.restated_at,
from marts.stress_restated_inputs_daily as inputs
inner join marts.indicator_lineage as lineage on lineage.indicator = inputs.indicator
inner join quality.restatements as restatements
    on
        restatements.table_name = lineage.table_name
        and restatements.restated_at > inputs.printed_at
        and (
            coalesce(lineage.series, '') = ''
            or restatements.entity = lineage.series
            or restatements.entity like lineage.series || ' %'
        )
        and cast(restatements.period_at as date) <= inputs.first_observed_date
        and (
            lineage.lookback_days is null
            or cast(restatements.period_at as date) >= inputs.first_observed_date - lineage.lookback_days
        )
where inputs.date = cast(on_day as date)
group by all
order by inputs.indicator, restatements.period_at, restatements.table_name, restatements.entity, restatements.column_name;

comment on macro table restated_rows is
'restated_rows(day): the figures that providers changed after a day was first printed, in the windows of the inputs that differ now.';
