with reconciled as (
    select * from {{ ref("int_reconciled_daily") }}
),

rules as (
    select quantity, title, source, reason from {{ ref("reconciliation_rules") }}
),

final as (
    select
        reconciled.date,
        reconciled.quantity,
        rules.title,
        reconciled.entity,
        reconciled.chosen_value,
        reconciled.chosen_source,
        rules.reason as chosen_because,
        reconciled.low_value,
        reconciled.high_value,
        reconciled.spread_ratio,
        reconciled.is_disputed,
        cast(reconciled.source_count as bigint) as source_count,
        reconciled.sources,
        reconciled.available_at
    from reconciled
    inner join rules on reconciled.quantity = rules.quantity and reconciled.chosen_source = rules.source
)

select * from final
