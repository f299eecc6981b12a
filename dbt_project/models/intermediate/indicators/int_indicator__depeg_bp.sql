{#
    S1: shortfall of dollar coins below one dollar in basis points, capped at 1,000 each, weighted by circulating units.
    Units and not market value: a coin that falls must not lose weight by falling. At least 95 % of the supply must have a
    price.
#}
with coins as (
    select * from {{ ref("int_stablecoins_daily") }}
    where circulating_units > 0
),

final as (
    select
        date as observed_date,
        case
            when {{ exact_amount_sum('case when price_usd > 0 then circulating_units else 0 end') }} >= 0.95 * {{ exact_amount_sum('circulating_units') }}
                then
                    {{ exact_amount_sum('case when price_usd > 0 then circulating_units * least(depeg_bp, 1000.0) end') }}
                    / {{ exact_amount_sum('case when price_usd > 0 then circulating_units end') }}
        end as value,
        greatest(max(supply_available_at), max(price_available_at)) as available_at
    from coins
    group by date
)

select * from final
