{#
    Share of synthetic dollar coins, which a derivatives position backs, in the circulating units of the dollar coins
    followed. It begins with the first synthetic coin: before, nobody followed one. A coin is in the sum from its
    first day to its last valid one; a day on which one of them is missing has no value, because the others' share
    would jump.
#}
with coins as (
    select * from {{ ref("int_stablecoins_daily") }}
    where circulating_units is not null
),

listed as (
    select * from {{ ref("stablecoins") }}
),

members as (
    select
        listed.stablecoin_id,
        listed.backing,
        listed.valid_to,
        min(coins.date) as entered_on
    from coins
    inner join listed on coins.stablecoin_id = listed.stablecoin_id
    group by listed.stablecoin_id, listed.backing, listed.valid_to
),

days as (
    select distinct date from coins
),

final as (
    select
        days.date as observed_date,
        case
            when count(*) = count(coins.circulating_units)
                then
                    100.0
                    * cast(
                        sum(
                            case
                                when members.backing = 'synthetic' then cast(coins.circulating_units as decimal(38, 6))
                            end
                        )
                        as double
                    )
                    / nullif(cast(sum(cast(coins.circulating_units as decimal(38, 6))) as double), 0.0)
        end as value,
        max(coins.supply_available_at) as available_at
    from days
    inner join members
        on days.date >= members.entered_on and (members.valid_to is null or days.date <= members.valid_to)
    left join coins on members.stablecoin_id = coins.stablecoin_id and days.date = coins.date
    group by days.date
    having sum(case when members.backing = 'synthetic' then 1 else 0 end) > 0
)

select * from final
