{#
    F5: fall of the circulating units of fiat-backed dollar coins over 30 days, in per cent (log). Units, not market value,
    so that a depeg does not leak in. The coins are those that circulated 30 days ago; one that has since gone silent
    leaves the day without a value.
#}
with coins as (
    select * from {{ ref("int_stablecoins_daily") }}
    where backing = 'fiat'
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
        case when count(*) = count(units) then 100.0 * ln({{ exact_amount_sum('earlier_units') }} / {{ exact_amount_sum('units') }}) end as value,
        max(available_at) as available_at
    from pairs
    group by earlier_date
)

select * from final
