{# Days that can be printed and that the journal has no print of. #}
with index_days as (
    select * from {{ ref("stress_index_daily") }}
),

printed as (
    select * from {{ ref("stg_ops__prints") }}
),

final as (
    select index_days.date
    from index_days
    left join printed on index_days.date = printed.date
    where printed.date is null
)

select * from final
