with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

final as (
    select
        opened_at,
        date,
        asset,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_usd,
        100.0 * (exp(log_return) - 1) as return_pct,
        available_at
    from candles
)

select * from final
