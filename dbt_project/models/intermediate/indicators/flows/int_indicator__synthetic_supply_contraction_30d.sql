{#
    Companion of F5: the same fall of circulating units for synthetic and yield-bearing dollar coins, which are created
    and unwound with leverage. A coin that has gone silent leaves the day without a value.
#}
with coins as (
    select * from {{ ref("int_stablecoins_daily") }}
    where backing = 'synthetic'
),

pairs as (
    select
        earlier.date as earlier_date,
        earlier.circulating_units as earlier_units,
        later.circulating_units as units,
        later.supply_available_at as available_at
    from coins as earlier
    left join coins as later
        on earlier.stablecoin_id = later.stablecoin_id and earlier.date = {{ days_before("later.date", 30) }}
    where earlier.circulating_units > 0
),

final as (
    select
        cast(earlier_date + interval '30 days' as date) as observed_date,
        'market' as scope,
        case when count(*) = count(units) and sum(units) > 0 then 100.0 * ln(sum(earlier_units) / sum(units)) end
            as value,
        max(available_at) as available_at
    from pairs
    group by earlier_date
)

select * from final
