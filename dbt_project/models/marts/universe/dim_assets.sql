with universe as (
    select * from {{ ref("universe_assets") }}
),

assets as (
    select * from {{ ref("assets") }}
),

final as (
    select
        universe.asset,
        universe.name,
        universe.class,
        universe.valid_from,
        universe.valid_to,
        universe.valid_to is null as is_current,
        assets.asset is not null as is_in_index,
        universe.note
    from universe
    left join assets on universe.asset = assets.asset
)

select * from final
