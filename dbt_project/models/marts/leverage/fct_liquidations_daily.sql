with liquidations as (
    select * from {{ ref("int_liquidations_daily") }}
),

final as (
    select
        date,
        source,
        venue,
        asset,
        long_usd as long_liquidations_usd,
        short_usd as short_liquidations_usd,
        total_usd as liquidations_usd,
        100.0 * long_usd / nullif(long_usd + short_usd, 0) as long_share_pct,
        coverage_class,
        available_at
    from liquidations
)

select * from final
