with restatements as (
    select * from {{ ref("stg_ops__restatements") }}
),

final as (
    select
        table_name,
        entity,
        column_name,
        period_at,
        value_before,
        value_after,
        relative_change_ratio,
        first_given_at,
        restated_at,
        {{ hours_between("first_given_at", "restated_at") }} as stood_hours,
        run_id
    from restatements
)

select * from final
