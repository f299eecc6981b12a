{# N5: gravest exploit of a day as far as its loss is known, 1 to 3. A day without one has no row. #}
with hacks as (
    select * from {{ ref("int_hacks") }}
),

final as (
    select
        hacked_on as observed_date,
        'market' as scope,
        max({{ loss_severity("loss_usd") }}) as value,
        max(available_at) as available_at
    from hacks
    where loss_usd is not null
    group by hacked_on
)

select * from final
