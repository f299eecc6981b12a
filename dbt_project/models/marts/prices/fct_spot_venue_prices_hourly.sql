with prices as (
    select * from {{ ref("int_spot_venue_prices_hourly") }}
),

final as (
    select
        opened_at,
        date,
        asset,
        venue,
        quote_symbol,
        close_quote,
        usd_per_quote as quote_price_usd,
        close_usd,
        available_at
    from prices
)

select * from final
