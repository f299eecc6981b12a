with hacks as (
    select * from {{ ref("int_hacks") }}
),

final as (
    select
        hacked_on,
        name,
        technique,
        classification,
        target_type,
        chains,
        loss_usd,
        returned_usd,
        is_bridge,
        source_url,
        available_at
    from hacks
)

select * from final
