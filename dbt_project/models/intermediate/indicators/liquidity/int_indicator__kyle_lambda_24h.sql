{# L7: basis points the price moves per million dollars of signed taker flow, from the hourly bars of a day. #}
with impact as (
    select * from {{ ref("int_price_impact_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        lambda_24h_bp as value,
        available_at
    from impact
)

select * from final
