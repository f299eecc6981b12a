{# M1: the VIX of 30 days over that of three months. Above one the near future is feared more than the far one. #}
with near as (
    select * from {{ ref("stg_cboe__vix") }}
),

far as (
    select * from {{ ref("stg_cboe__volatility_indices") }}
    where symbol = 'VIX3M'
),

final as (
    select
        near.session_date as observed_date,
        'market' as scope,
        near.vix_close_pct / nullif(far.close_pct, 0.0) as value,
        greatest(near.available_at, far.available_at) as available_at
    from near
    inner join far on near.session_date = far.session_date
)

select * from final
