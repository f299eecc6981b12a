{#
    D7: share of the longs in what Gate closed by force in a day: the one keyless history that sums its own and tells the
    sides. All 24 hours must be there; a day on which nothing was closed has no share.
#}
with liquidations as (
    select * from {{ ref("int_liquidations_hourly") }}
    where source = 'gate__contract_stats'
),

days as (
    select
        asset,
        date,
        count(total_usd) as hour_count,
        sum(long_usd) as long_usd,
        sum(total_usd) as total_usd,
        max(available_at) as available_at
    from liquidations
    group by asset, date
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when hour_count = 24 then 100.0 * long_usd / nullif(total_usd, 0) end as value,
        available_at
    from days
)

select * from final
