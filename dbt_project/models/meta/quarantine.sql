with retrievals as (
    select * from {{ ref("stg_ops__retrievals") }}
    where outcome = 'quarantined'
),

final as (
    select
        table_name,
        sequence,
        retrieved_at,
        window_started_at,
        window_ended_at,
        url,
        params,
        http_status,
        byte_count,
        body_sha256,
        message
    from retrievals
)

select * from final
