with landings as (
    select * from {{ ref("stg_ops__landings") }}
),

final as (
    select
        run_id,
        table_name,
        window_started_at,
        window_ended_at,
        landed_at,
        status,
        body_count,
        fetched_row_count,
        new_row_count,
        changed_row_count,
        duplicate_row_count,
        error_kind,
        error_message
    from landings
)

select * from final
