{# L8 by the hour: how far apart Binance (in dollars), Bitstamp and Coinbase price one bitcoin at its end; all three or none. #}
with prices as (
    select * from {{ ref("int_spot_venue_prices_hourly") }}
    where asset = 'btc' and venue in ('binance', 'bitstamp', 'coinbase')
),

calendar as (
    select * from {{ ref("int_hourly_calendar") }}
),

final as (
    select
        calendar.hour_ended_at,
        1e4 * (max(prices.close_usd) - min(prices.close_usd)) / {{ median_of("prices.close_usd") }} as value,
        max(prices.available_at) as available_at
    from prices
    inner join calendar on prices.opened_at + interval '1 hour' = calendar.hour_ended_at
    group by calendar.hour_ended_at
    having count(*) = 3
)

select * from final
