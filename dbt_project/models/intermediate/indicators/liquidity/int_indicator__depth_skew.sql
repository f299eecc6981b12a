{#
    L4: logarithm of asks over bids within 1 % of mid, mean of the day. Above zero bids are the thinner side: sellers
    meet less than buyers do. A day needs 20 hours with both sides.
#}
with hours as (
    select * from {{ ref("int_depth_norms_hourly") }}
    where venue = 'binance'
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when count(depth_1pct_usd) >= 20 then avg(ln(ask_1pct_usd / bid_1pct_usd)) end as value,
        max(available_at) as available_at
    from hours
    group by date, asset
)

select * from final
