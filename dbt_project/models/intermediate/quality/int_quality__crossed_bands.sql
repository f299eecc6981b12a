with depth as (
    select * from {{ ref("int_book_depth_hourly") }}
),

hours as (
    select
        symbol,
        date,
        hour_started_at,
        max(rejected_snapshot_count) as rejected_count,
        max(snapshot_count) as snapshot_count
    from depth
    group by symbol, date, hour_started_at
),

final as (
    select
        'binance_vision__um_book_depth' as table_name,
        symbol as entity,
        'depth_usd' as column_name,
        min(case when rejected_count > 0 then hour_started_at end) as started_at,
        max(case when rejected_count > 0 then hour_started_at end) + interval '1 hour' as ended_at,
        sum(rejected_count) as row_count,
        cast(sum(rejected_count) as double) / sum(snapshot_count) as measure,
        'bids cost more than asks in ' || cast(sum(rejected_count) as varchar) || ' of '
        || cast(sum(snapshot_count) as varchar) || ' snapshots' as detail
    from hours
    group by symbol, date
    having sum(rejected_count) > 0
)

select * from final
