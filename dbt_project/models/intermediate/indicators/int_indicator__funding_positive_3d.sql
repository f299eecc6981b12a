{#
    D4 where it is high: how far the three-day mean of funding per 8 hours, weighted by open interest, is above zero, in
    basis points. Crowded longs pay it.
#}
with funding as (
    select * from {{ ref("int_funding_daily") }}
),

windows as (
    select
        date,
        avg(funding_8h_ratio) over last_three as mean_funding_8h_ratio,
        count(funding_8h_ratio) over last_three as day_count,
        max(available_at) over last_three as available_at
    from funding
    window last_three as (order by date range between interval '2 days' preceding and current row)
),

final as (
    select
        date as observed_date,
        case when day_count = 3 then 1e4 * greatest(0.0, mean_funding_8h_ratio) end as value,
        available_at
    from windows
)

select * from final
