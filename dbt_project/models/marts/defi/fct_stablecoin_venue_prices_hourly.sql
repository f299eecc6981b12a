{# What each venue printed: on 10 October 2025 a coin can be at 0.65 here and at one dollar everywhere else. #}
with prices as (
    select * from {{ ref("int_stablecoin_venue_prices_hourly") }}
),

final as (
    select
        opened_at,
        date,
        symbol,
        venue,
        quote_symbol,
        low_quote,
        high_quote,
        close_quote,
        volume_quote,
        price_quote,
        lowest_quote,
        quote_usd,
        quote_basis,
        price_usd,
        lowest_usd,
        available_at
    from prices
)

select * from final
