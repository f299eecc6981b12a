with coins as (
    select * from {{ ref("int_stablecoins_daily") }}
),

final as (
    select
        date,
        symbol,
        backing,
        circulating_units,
        price_usd,
        depeg_bp,
        greatest(supply_available_at, price_available_at) as available_at
    from coins
)

select * from final
