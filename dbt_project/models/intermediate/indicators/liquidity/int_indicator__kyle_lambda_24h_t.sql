{# L7: t-value of the price impact of a day; between -2 and 2 the impact cannot be told from none. #}
with impact as (
    select * from {{ ref("int_price_impact_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        t_24h_ratio as value,
        available_at
    from impact
)

select * from final
