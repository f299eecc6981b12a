{# The same victim on the same day under two techniques: one theft that is listed twice, or two thefts. #}
with hacks as (
    select * from {{ ref("stg_defillama__hacks") }}
),

final as (
    select
        'defillama__hacks' as table_name,
        name as entity,
        'loss_usd' as column_name,
        cast(hacked_on as timestamp with time zone) as started_at,
        cast(hacked_on as timestamp with time zone) as ended_at,
        count(*) as row_count,
        sum(loss_usd) as measure,
        cast(count(*) as varchar) || ' entries of ' || coalesce(cast(sum(loss_usd) as varchar), 'an unknown number of')
        || ' US dollars together' as detail
    from hacks
    group by hacked_on, name
    having count(*) > 1
)

select * from final
