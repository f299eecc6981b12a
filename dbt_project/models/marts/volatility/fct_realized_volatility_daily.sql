with volatility as (
    select * from {{ ref("int_realized_volatility_daily") }}
),

final as (
    select
        date,
        rv_7d_pct,
        rv_30d_pct,
        downside_variance_ratio,
        available_at
    from volatility
)

select * from final
