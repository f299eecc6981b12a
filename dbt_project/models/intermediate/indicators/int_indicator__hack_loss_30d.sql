{#
    S5: losses to exploits over 30 days in per cent of the value locked in DeFi. A loss counts from the day it was known,
    not the day it happened; an amount that nobody knows yet counts as nothing. Days that the ledger has not been read
    for have no value: a zero here is a statement.
#}
with tvl as (
    select * from {{ ref("stg_defillama__tvl") }}
    where tvl_usd > 0
),

hacks as (
    select * from {{ ref("int_hacks") }}
),

ledger as (
    select read_until from {{ ref("stg_ops__read_until") }}
    where table_name = 'defillama__hacks'
),

days as (
    select
        tvl.date,
        tvl.tvl_usd,
        tvl.available_at,
        {{ cutoff(usable_date("tvl.available_at")) }} as known_until
    from tvl
    inner join ledger on tvl.date < ledger.read_until
),

final as (
    select
        days.date as observed_date,
        100.0 * coalesce(sum(hacks.loss_usd), 0) / days.tvl_usd as value,
        days.available_at
    from days
    left join hacks
        on
            hacks.hacked_on > {{ days_before("days.date", 30) }}
            and hacks.hacked_on <= days.date
            and hacks.available_at <= days.known_until
    group by days.date, days.tvl_usd, days.available_at
)

select * from final
