with hacks as (
    select * from {{ ref("stg_defillama__hacks") }}
),

final as (
    select
        'defillama__hacks' as table_name,
        name || ' ' || technique as entity,
        'loss_usd' as column_name,
        cast(hacked_on as timestamp with time zone) as started_at,
        cast(hacked_on as timestamp with time zone) as ended_at,
        1 as row_count,
        loss_usd as measure,
        case
            when loss_usd = 0 then 'a loss of nothing'
            else 'among the largest losses ever listed; the day is that of the theft, not of its discovery'
        end as detail
    from hacks
    where loss_usd = 0 or loss_usd >= 1e9
)

select * from final
