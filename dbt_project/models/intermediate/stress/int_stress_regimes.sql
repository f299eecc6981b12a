{{ config(materialized="table") }}

{#
    Step 8: regimes with hysteresis, print by print. Severe is entered at once, a lower regime when two prints in a row
    are in it or above; a regime is left when three prints in a row are more than three points below its threshold.
    The state of a print depends on the state before, so this walks the prints in order.
#}
with recursive prints as (
    select * from {{ ref("int_index_prints") }}
    where variant = 'cmsi'
),

thresholds as (
    select * from {{ ref("stress_thresholds") }}
),

bounds as (
    select
        max(case when level = 1 then lower_bound end) as elevated_from,
        max(case when level = 2 then lower_bound end) as high_from,
        max(case when level = 3 then lower_bound end) as severe_from
    from thresholds
),

levels as (
    select
        prints.date,
        row_number() over (order by prints.date) as print_number,
        case
            when prints.value >= bounds.severe_from then 3
            when prints.value >= bounds.high_from then 2
            when prints.value >= bounds.elevated_from then 1
            else 0
        end as level,
        case
            when prints.value >= bounds.severe_from - 3 then 3
            when prints.value >= bounds.high_from - 3 then 2
            when prints.value >= bounds.elevated_from - 3 then 1
            else 0
        end as holding_level
    from prints
    inner join bounds on bounds.severe_from is not null
),

steps as (
    select
        date,
        print_number,
        level,
        least(level, coalesce(lag(level) over (order by print_number), level)) as sustained_level,
        max(holding_level) over (order by print_number rows between 2 preceding and current row) as held_level
    from levels
),

walk as (
    select
        date,
        print_number,
        level as regime_level
    from steps
    where print_number = 1
    union all
    select
        steps.date,
        steps.print_number,
        case
            when steps.level = 3 then 3
            when steps.sustained_level > walk.regime_level then steps.sustained_level
            when steps.print_number > 3 and steps.held_level < walk.regime_level then steps.held_level
            else walk.regime_level
        end as regime_level
    from walk
    inner join steps on walk.print_number + 1 = steps.print_number
),

final as (
    select
        walk.date,
        thresholds.regime
    from walk
    inner join thresholds on walk.regime_level = thresholds.level
)

select * from final
