{# D1: growth of open interest in coins over 30 days, in per cent (log), so that a rise of the price is no growth. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

windows as (
    select
        asset,
        date,
        open_interest_coin,
        max(open_interest_coin) over month_before as earlier_open_interest_coin,
        available_at
    from open_interest
    window month_before as (
        partition by asset order by date range between interval '30 days' preceding and interval '30 days' preceding
    )
),

per_asset as (
    select
        asset,
        date,
        case
            when open_interest_coin > 0 and earlier_open_interest_coin > 0
                then 100.0 * ln(open_interest_coin / earlier_open_interest_coin)
        end as growth_pct,
        available_at
    from windows
),

final as (
    {{ weighted_over_assets("per_asset", "growth_pct") }}
)

select * from final
