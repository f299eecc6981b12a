with days as (
    select * from {{ ref("int_defi_liquidations_daily") }}
),

intensity as (
    select * from {{ ref("int_indicator__defi_liq_intensity") }}
),

final as (
    select
        days.date,
        days.call_count as liquidation_count,
        days.priced_call_count as priced_liquidation_count,
        days.notional_usd,
        days.largest_usd,
        days.penalty_usd,
        100.0 * days.penalised_usd / nullif(days.notional_usd, 0.0) as penalty_coverage_pct,
        days.opening_tvl_usd,
        intensity.value as intensity_pct,
        cast(null as double) as bad_debt_usd,
        'the positions of the borrowers are not held' as bad_debt_reason,
        days.available_at
    from days
    left join intensity on days.date = intensity.observed_date
)

select * from final
