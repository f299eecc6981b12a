with universe as (
    select * from {{ ref("universe_contracts") }}
),

final as (
    select
        universe.venue,
        universe.symbol,
        universe.asset,
        universe.kind,
        universe.contract_size,
        universe.contract_unit,
        universe.margin,
        universe.valid_from,
        universe.valid_to,
        universe.valid_to is null as is_current,
        universe.note
    from universe
)

select * from final
