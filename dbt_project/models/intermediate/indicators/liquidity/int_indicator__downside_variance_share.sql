{# V3: how much of the variance of seven days is due to falls. One half where rises and falls weigh the same. #}
with volatility as (
    select * from {{ ref("int_realized_volatility_daily") }}
),

final as (
    select
        date as observed_date,
        'market' as scope,
        downside_variance_ratio as value,
        available_at
    from volatility
)

select * from final
