with hacks as (
    select * from {{ ref("stg_defillama__hacks") }}
),

-- The ledger is edited by hand: a technique filled in later makes a new key, and the loss would count twice.
final as (
    select *
    from hacks
    where
        technique <> 'unknown'
        or not exists (
            select 1
            from hacks as named
            where named.hacked_on = hacks.hacked_on and named.name = hacks.name and named.technique <> 'unknown'
        )
)

select * from final
