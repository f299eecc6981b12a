with universe as (
    select * from {{ ref("stablecoins") }}
),

final as (
    select
        universe.stablecoin_id,
        universe.symbol,
        universe.name,
        universe.backing,
        universe.valid_from,
        universe.valid_to,
        universe.valid_to is null as is_current,
        universe.note
    from universe
)

select * from final
