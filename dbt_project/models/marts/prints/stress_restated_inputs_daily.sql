{#
    The inputs behind a difference between a day's first print and what it is now: as printed, as they are now, and how
    many raw figures in the window of the input providers have restated since the print. An input without restated figures
    differs because rows came late, because an older figure that it is ranked among changed, or because the code did.
#}
with latest as (
    select * from {{ ref("cmsi_latest") }}
    where is_restated and first_cmsi is not null
),

printed as (
    select * from {{ ref("stress_print_indicators") }}
),

panel as (
    select * from {{ ref("stress_indicators_daily") }}
),

contributions as (
    select * from {{ ref("stress_indicator_contributions_daily") }}
),

lineage as (
    select * from {{ ref("indicator_lineage") }}
),

restatements as (
    select * from {{ ref("stg_ops__restatements") }}
),

printed_inputs as (
    select printed.*, latest.first_printed_at
    from printed
    inner join latest on printed.date = latest.date
),

panel_inputs as (
    select
        panel.date,
        panel.indicator,
        panel.pillar,
        panel.observed_date,
        panel.value,
        panel.z,
        panel.is_fresh,
        contributions.points,
        latest.first_printed_at
    from panel
    inner join latest on panel.date = latest.date
    left join contributions on panel.date = contributions.date and panel.indicator = contributions.indicator
),

compared as (
    select
        coalesce(printed_inputs.date, panel_inputs.date) as date,
        coalesce(printed_inputs.indicator, panel_inputs.indicator) as indicator,
        coalesce(printed_inputs.pillar, panel_inputs.pillar) as pillar,
        coalesce(printed_inputs.first_printed_at, panel_inputs.first_printed_at) as printed_at,
        printed_inputs.observed_date as first_observed_date,
        panel_inputs.observed_date,
        printed_inputs.value as first_value,
        panel_inputs.value,
        printed_inputs.z as first_z,
        panel_inputs.z,
        printed_inputs.points as first_points,
        panel_inputs.points
    from printed_inputs
    full outer join panel_inputs
        on printed_inputs.date = panel_inputs.date and printed_inputs.indicator = panel_inputs.indicator
),

differing as (
    select *
    from compared
    where
        first_observed_date is distinct from observed_date
        or abs(coalesce(first_value, 0) - coalesce(value, 0)) > 1e-12
        or (first_value is null) <> (value is null)
        or abs(coalesce(first_z, 0) - coalesce(z, 0)) > 1e-12
        or (first_z is null) <> (z is null)
),

restated as (
    select
        differing.date,
        differing.indicator,
        count(*) as restated_figure_count
    from differing
    inner join lineage on differing.indicator = lineage.indicator
    inner join restatements
        on
            lineage.table_name = restatements.table_name
            and restatements.restated_at > differing.printed_at
            and (
                coalesce(lineage.series, '') = ''
                or restatements.entity = lineage.series
                or restatements.entity like lineage.series || ' %'
            )
            and {{ utc_date("restatements.period_at") }} <= differing.first_observed_date
            and (
                lineage.lookback_days is null
                or differing.first_observed_date - {{ utc_date("restatements.period_at") }} <= lineage.lookback_days
            )
    group by differing.date, differing.indicator
),

final as (
    select
        differing.date,
        differing.indicator,
        differing.pillar,
        differing.printed_at,
        differing.first_observed_date,
        differing.observed_date,
        differing.first_value,
        differing.value,
        differing.first_z,
        differing.z,
        differing.first_points,
        differing.points,
        coalesce(restated.restated_figure_count, 0) as restated_figure_count
    from differing
    left join restated on differing.date = restated.date and differing.indicator = restated.indicator
)

select * from final
