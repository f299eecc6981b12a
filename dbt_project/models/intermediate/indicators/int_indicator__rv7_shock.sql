{# V1: log of seven-day realised volatility over its own 180-day median; hourly returns of a half-half BTC-ETH holding. #}
with volatility as (
    select * from {{ ref("int_realized_volatility_daily") }}
),

norms as (
    select
        date,
        rv_7d_pct,
        {{ median_over("rv_7d_pct", "last_half_year") }} as norm_pct,
        count(rv_7d_pct) over last_half_year as norm_count,
        available_at
    from volatility
    window last_half_year as (order by date range between interval '179 days' preceding and current row)
),

final as (
    select
        date as observed_date,
        case when norm_count >= 90 and rv_7d_pct > 0 and norm_pct > 0 then ln(rv_7d_pct / norm_pct) end as value,
        available_at
    from norms
)

select * from final
