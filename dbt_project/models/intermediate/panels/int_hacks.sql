with hacks as (
    select * from {{ ref("stg_defillama__hacks") }}
),

-- The ledger is edited by hand: a technique filled in later makes a new key, and the loss would count twice.
counted as (
    select
        *,
        row_number() over (
            partition by hacked_on, name, case when technique = 'unknown' then 1 else 0 end order by available_at, technique
        ) as name_number,
        max(case when technique <> 'unknown' then 1 else 0 end) over (partition by hacked_on, name) as is_named,
        min(available_at) over (partition by hacked_on, name) as first_available_at
    from hacks
),

-- The first named row stands for the loss from when it was known: days before the name would lose what they knew.
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
        available_basis,
        vintage_at,
        vintage_count,
        body_sha256,
        case when name_number = 1 then first_available_at else available_at end as available_at
    from counted
    where technique <> 'unknown' or is_named = 0
)

select * from final
