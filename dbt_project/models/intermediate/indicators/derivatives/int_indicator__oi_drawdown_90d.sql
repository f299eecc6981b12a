{# D3: how far open interest in coins is below its highest close of 90 days. Sixty of them must be there. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
    where open_interest_coin > 0
),

windows as (
    select
        asset,
        date,
        open_interest_coin,
        max(open_interest_coin) over last_quarter as peak_coin,
        count(open_interest_coin) over last_quarter as day_count,
        available_at
    from open_interest
    window last_quarter as (partition by asset order by date range between interval '89 days' preceding and current row)
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when day_count >= 60 then 100.0 * (1 - open_interest_coin / peak_coin) end as value,
        available_at
    from windows
)

select * from final
