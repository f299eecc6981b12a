with depth as (
    select * from {{ ref("int_book_depth_hourly") }}
),

final as (
    select
        hour_started_at,
        date,
        asset,
        symbol,
        abs(band_pct) as band_pct,
        case when band_pct < 0 then 'bid' else 'ask' end as side,
        depth_coin,
        depth_usd,
        cast(snapshot_count as integer) as snapshot_count,
        cast(rejected_snapshot_count as integer) as rejected_snapshot_count,
        available_at
    from depth
)

select * from final
