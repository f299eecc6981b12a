{#
    How much thinner the book is at night: minus the logarithm of the night liquidity ratio (L3), the depth within 1 %
    of mid of the six thinnest UTC hours of 30 days over that of the six thickest.
#}
with nights as (
    select * from {{ ref("int_night_liquidity_daily") }}
),

per_asset as (
    select
        asset,
        date,
        -ln(night_ratio) as thinness,
        available_at
    from nights
    where night_ratio > 0
),

final as (
    {{ weighted_over_assets("per_asset", "thinness") }}
)

select * from final
