{# Pairs of sources of one quantity, and on how many of their common days they differ by more than the rule allows. #}
with inputs as (
    select * from {{ ref("int_reconciled_inputs") }}
    where value is not null
),

rules as (
    select * from {{ ref("reconciliation_rules") }}
),

pairs as (
    select
        ours.quantity,
        ours.entity,
        ours.date,
        ours.source as source,
        theirs.source as other_source,
        ours.value as value,
        theirs.value as other_value,
        abs(ours.value - theirs.value) / greatest(abs(ours.value), abs(theirs.value), our_rule.floor) as difference_ratio,
        our_rule.tolerance_ratio,
        coalesce(their_rule.table_name, our_rule.table_name) as table_name
    from inputs as ours
    inner join inputs as theirs on ours.quantity = theirs.quantity and ours.entity = theirs.entity and ours.date = theirs.date
    inner join rules as our_rule on ours.quantity = our_rule.quantity and ours.source = our_rule.source
    inner join rules as their_rule on theirs.quantity = their_rule.quantity and theirs.source = their_rule.source
    where our_rule.priority < their_rule.priority
),

final as (
    select
        table_name,
        other_source || ' against ' || source || ': ' || quantity || ' ' || entity as entity,
        '' as column_name,
        cast(min(case when difference_ratio > tolerance_ratio then date end) as timestamp with time zone) as started_at,
        cast(max(case when difference_ratio > tolerance_ratio then date end) as timestamp with time zone) as ended_at,
        sum(case when difference_ratio > tolerance_ratio then 1 else 0 end) as row_count,
        max(difference_ratio) as measure,
        'differs by more than ' || cast(100 * max(tolerance_ratio) as varchar) || ' % on '
        || cast(sum(case when difference_ratio > tolerance_ratio then 1 else 0 end) as varchar) || ' of '
        || cast(count(*) as varchar) || ' common days; most on '
        || cast({{ value_at_max("date", "difference_ratio") }} as varchar) as detail
    from pairs
    group by table_name, quantity, entity, source, other_source
    having max(difference_ratio - tolerance_ratio) > 0
)

select * from final
