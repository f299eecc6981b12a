{#
    F7: what a coin costs on Coinbase in dollars over what it costs on Binance in Tether, the Tether turned into dollars
    at its price of the hour; mean over the hours of the day. Without that conversion a falling Tether would read as
    demand from the United States. A day needs 20 hours with both.
#}
with prices as (
    select * from {{ ref("int_spot_venue_prices_hourly") }}
    where venue in ('binance', 'coinbase')
),

hours as (
    select
        asset,
        date,
        opened_at,
        max(case when venue = 'coinbase' then close_usd end) as coinbase_usd,
        max(case when venue = 'binance' then close_usd end) as binance_usd,
        max(available_at) as available_at
    from prices
    group by asset, date, opened_at
    having count(*) = 2
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when count(*) >= 20 then avg(1e4 * (coinbase_usd / binance_usd - 1)) end as value,
        max(available_at) as available_at
    from hours
    group by date, asset
)

select * from final
