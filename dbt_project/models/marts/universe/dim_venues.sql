with universe as (
    select * from {{ ref("universe_venues") }}
),

final as (
    select
        universe.venue,
        universe.name,
        universe.kind,
        universe.valid_from,
        universe.valid_to,
        universe.valid_to is null as is_current,
        universe.note
    from universe
)

select * from final
