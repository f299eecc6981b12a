{# L3: depth of the six thinnest UTC hours over that of the six thickest, 30 days. One where nights are like days. #}
with nights as (
    select * from {{ ref("int_night_liquidity_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        night_ratio as value,
        available_at
    from nights
)

select * from final
