{# L7, steadier: the price impact of taker flow from the hourly bars of seven days. #}
with impact as (
    select * from {{ ref("int_price_impact_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        lambda_7d_bp as value,
        week_available_at as available_at
    from impact
)

select * from final
