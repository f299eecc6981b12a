{#
    L8: how far apart the spot venues price one bitcoin at the end of an hour: highest less lowest over the median, in
    basis points, and of the day the 95th percentile. The panel is fixed: Binance (in dollars), Bitstamp, Coinbase. A
    range grows with the number of venues, so an hour counts only with all three, and a day needs 20 such hours.
#}
with prices as (
    select * from {{ ref("int_spot_venue_prices_hourly") }}
    where asset = 'btc' and venue in ('binance', 'bitstamp', 'coinbase')
),

hours as (
    select
        date,
        opened_at,
        1e4 * (max(close_usd) - min(close_usd)) / {{ median_of("close_usd") }} as dispersion_bp,
        max(available_at) as available_at
    from prices
    group by date, opened_at
    having count(*) = 3
),

final as (
    select
        date as observed_date,
        case when count(*) >= 20 then percentile_cont(0.95) within group (order by dispersion_bp) end as value,
        max(available_at) as available_at
    from hours
    group by date
)

select * from final
