{#
    Pairs of sources of one quantity whose daily changes fit better when one is moved by a day. Levels fit at any shift;
    changes do not.
#}
with inputs as (
    select * from {{ ref("int_reconciled_inputs") }}
    where value is not null
),

rules as (
    select * from {{ ref("reconciliation_rules") }}
),

changes as (
    select
        inputs.quantity,
        inputs.entity,
        inputs.source,
        inputs.date,
        rules.priority,
        rules.table_name,
        -- What is a flow or a change already is compared as it is.
        case
            when inputs.quantity in ('etf_net_flow_usd', 'exchange_supply_change_btc', 'liquidations_usd') then inputs.value
            else inputs.value - lag(inputs.value) over (
                partition by inputs.quantity, inputs.entity, inputs.source order by inputs.date
            )
        end as change
    from inputs
    inner join rules on inputs.quantity = rules.quantity and inputs.source = rules.source
),

shifts as (
    select -1 as shift_days
    union all
    select 0
    union all
    select 1
),

-- The day to look at is worked out before the join, which then goes by equal keys instead of by every pair of days.
moved as (
    select
        changes.*,
        shifts.shift_days,
        cast(changes.date + shifts.shift_days * interval '1 day' as date) as other_date
    from changes
    cross join shifts
    where changes.change is not null
),

fits as (
    select
        ours.quantity,
        ours.entity,
        ours.source,
        theirs.source as other_source,
        coalesce(theirs.table_name, ours.table_name) as table_name,
        ours.shift_days,
        count(*) as day_count,
        min(ours.date) as first_date,
        max(ours.date) as last_date,
        {{ correlation("ours.change", "theirs.change") }} as fit
    from moved as ours
    inner join changes as theirs
        on ours.quantity = theirs.quantity and ours.entity = theirs.entity and ours.other_date = theirs.date
    where ours.priority < theirs.priority and theirs.change is not null
    group by ours.quantity, ours.entity, ours.source, theirs.source, coalesce(theirs.table_name, ours.table_name), ours.shift_days
    having count(*) >= 60
),

compared as (
    select
        quantity,
        entity,
        source,
        other_source,
        table_name,
        max(first_date) as first_date,
        max(last_date) as last_date,
        max(day_count) as day_count,
        max(case when shift_days = 0 then fit end) as fit_as_it_is,
        max(fit) as best_fit,
        {{ value_at_max("shift_days", "fit") }} as best_shift_days
    from fits
    group by quantity, entity, source, other_source, table_name
),

final as (
    select
        table_name,
        other_source || ' against ' || source || ': ' || quantity || ' ' || entity as entity,
        '' as column_name,
        cast(first_date as timestamp with time zone) as started_at,
        cast(last_date as timestamp with time zone) as ended_at,
        day_count as row_count,
        cast(best_shift_days as double) as measure,
        'its changes fit ' || cast(round(best_fit, 2) as varchar) || ' when moved by '
        || cast(-best_shift_days as varchar) || ' days, ' || cast(round(fit_as_it_is, 2) as varchar) || ' as they stand' as detail
    from compared
    where best_shift_days <> 0 and best_fit > 0.3 and best_fit - fit_as_it_is > 0.2
)

select * from final
