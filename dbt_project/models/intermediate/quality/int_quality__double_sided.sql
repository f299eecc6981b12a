with open_interest as (
    select * from {{ ref("stg_bybit__open_interest") }}
),

final as (
    select
        'bybit__open_interest' as table_name,
        symbol as entity,
        'open_interest_double_sided_coin' as column_name,
        min(observed_at) as started_at,
        max(observed_at) as ended_at,
        count(*) as row_count,
        avg(open_interest_double_sided_coin / nullif(open_interest_coin, 0)) as measure,
        'counts ' || cast(round(avg(open_interest_double_sided_coin / nullif(open_interest_coin, 0)), 2) as varchar)
        || ' times the open interest of one side' as detail
    from open_interest
    where open_interest_double_sided_coin > 1.5 * open_interest_coin
    group by symbol
)

select * from final
