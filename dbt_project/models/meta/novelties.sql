with novelties as (
    select * from {{ ref("stg_ops__novelties") }}
),

final as (
    select
        table_name,
        column_name,
        first_seen_at,
        body_sha256
    from novelties
)

select * from final
