{#
    S2: loans liquidated in a day in per cent of the value locked on their chain when the day began. The loans
    outstanding would be the better measure and are not held. A day without a liquidation is zero; a day on which more
    than one liquidation in twenty has no price has no value.
#}
with days as (
    select * from {{ ref("int_defi_liquidations_daily") }}
),

final as (
    select
        date as observed_date,
        case
            when priced_call_count >= 0.95 * call_count
                then 100.0 * notional_usd / opening_tvl_usd
        end as value,
        available_at
    from days
)

select * from final
