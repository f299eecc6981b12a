{# D3: fall of open interest in coins over seven days, in per cent (log): positions closed, not positions repriced. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

windows as (
    select
        asset,
        date,
        open_interest_coin,
        max(open_interest_coin) over week_before as earlier_open_interest_coin,
        available_at
    from open_interest
    window week_before as (
        partition by asset order by date range between interval '7 days' preceding and interval '7 days' preceding
    )
),

per_asset as (
    select
        asset,
        date,
        case
            when open_interest_coin > 0 and earlier_open_interest_coin > 0
                then 100.0 * ln(earlier_open_interest_coin / open_interest_coin)
        end as speed_pct,
        available_at
    from windows
),

final as (
    {{ weighted_over_assets("per_asset", "speed_pct") }}
)

select * from final
