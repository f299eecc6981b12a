{{ config(materialized="table") }}

{#
    One row per quantity, entity and day: what the sources say at least and at most, and the value of the source that comes
    first by the declared rule. A source that says nothing that day has no part; the choice says whose it is.
#}
with inputs as (
    select * from {{ ref("int_reconciled_inputs") }}
    where value is not null
),

rules as (
    select * from {{ ref("reconciliation_rules") }}
),

ranked as (
    select
        inputs.*,
        rules.priority,
        rules.tolerance_ratio,
        rules.floor,
        row_number() over (
            partition by inputs.quantity, inputs.entity, inputs.date order by rules.priority
        ) as choice
    from inputs
    inner join rules on inputs.quantity = rules.quantity and inputs.source = rules.source
),

final as (
    select
        quantity,
        entity,
        date,
        min(value) as low_value,
        max(value) as high_value,
        max(case when choice = 1 then value end) as chosen_value,
        max(case when choice = 1 then source end) as chosen_source,
        {{ text_list("source", "true") }} as sources,
        count(*) as source_count,
        (max(value) - min(value)) / greatest(max(abs(value)), max(floor)) as spread_ratio,
        (max(value) - min(value)) / greatest(max(abs(value)), max(floor)) > max(tolerance_ratio) as is_disputed,
        max(case when choice = 1 then available_at end) as available_at
    from ranked
    group by quantity, entity, date
)

select * from final
