{{ config(materialized="table") }}
{#
    What each venue printed for a dollar coin, hour by hour, in its own quote coin and in US dollars. The price of an
    hour is what its volume was traded at; where a venue tells no turnover, the mean of open, high, low and close.
    Where minutes are held, the lowest five minutes of the hour stand beside it.

    A price against another coin is no price in dollars. The rate is the median of the venues that trade that coin
    against dollars in the same hour; without one, the vendor's price of the day, as long as it is within half a per
    cent of a dollar: when the quote coin itself moves, a price of the day cannot convert an hour. Hours of less than
    10,000 dollars of turnover say nothing and are left out.
#}
{% set floor_usd = 10000 %}

with coins as (
    select * from {{ ref("stablecoins") }}
),

archive as (
    select * from {{ ref("stg_binance_vision__spot_klines") }}
),

minutes as (
    select * from {{ ref("stg_binance_vision__spot_klines_1m") }}
    where volume_base > 0
),

coinbase as (
    select * from {{ ref("stg_coinbase__spot_candles") }}
),

kraken as (
    select * from {{ ref("stg_kraken_spot__spot_candles") }}
),

bitstamp as (
    select * from {{ ref("stg_bitstamp__spot_candles") }}
),

reference_prices as (
    select
        coins.symbol,
        prices.date,
        prices.price_usd,
        prices.available_at
    from {{ ref("stg_defillama__stablecoin_prices") }} as prices
    inner join coins on prices.coin = coins.coin
),

-- Some archives leave the turnover in the quote coin empty, so minutes are weighed by the coins traded; as decimals, so
-- that the sum is the same to the last bit whatever the order of the rows.
five_minutes as (
    select
        symbol,
        date_trunc('hour', opened_at) as opened_at,
        sum(cast((high_price + low_price + close_price) / 3.0 * volume_base as decimal(38, 8))) as turnover,
        sum(cast(volume_base as decimal(38, 8))) as volume_base,
        min(low_price) as low_price,
        max(high_price) as high_price,
        {{ value_at_max("close_price", "opened_at") }} as close_price,
        max(opened_at) as last_opened_at,
        max(available_at) as available_at
    from minutes
    group by symbol, date_trunc('hour', opened_at), floor(extract(minute from opened_at) / 5)
),

hours_of_minutes as (
    select
        symbol,
        opened_at,
        min(low_price) as low_price,
        max(high_price) as high_price,
        {{ value_at_max("close_price", "last_opened_at") }} as close_price,
        cast(sum(turnover) as double) as turnover,
        cast(sum(turnover) as double) / cast(sum(volume_base) as double) as price,
        min(cast(turnover as double) / cast(volume_base as double)) as lowest_price,
        max(available_at) as available_at
    from five_minutes
    group by symbol, opened_at
),

binance as (
    select
        coins.symbol,
        'binance' as venue,
        'USDT' as quote_symbol,
        coalesce(hours_of_minutes.opened_at, archive.opened_at) as opened_at,
        coalesce(hours_of_minutes.low_price, archive.low_price) as low_quote,
        coalesce(hours_of_minutes.high_price, archive.high_price) as high_quote,
        coalesce(hours_of_minutes.close_price, archive.close_price) as close_quote,
        coalesce(hours_of_minutes.turnover, archive.volume_quote) as volume_quote,
        coalesce(hours_of_minutes.price, archive.volume_quote / nullif(archive.volume_base, 0)) as price_quote,
        hours_of_minutes.lowest_price as lowest_quote,
        coalesce(hours_of_minutes.available_at, archive.available_at) as available_at
    from archive
    full outer join hours_of_minutes
        on archive.symbol = hours_of_minutes.symbol and archive.opened_at = hours_of_minutes.opened_at
    inner join coins on coalesce(hours_of_minutes.symbol, archive.symbol) = upper(coins.symbol) || 'USDT'
),

against_dollars as (
    select
        coins.symbol,
        'coinbase' as venue,
        coinbase.opened_at,
        coinbase.low_price,
        coinbase.high_price,
        coinbase.close_price,
        coinbase.volume_base,
        (coinbase.open_price + coinbase.high_price + coinbase.low_price + coinbase.close_price) / 4.0 as price,
        coinbase.available_at
    from coinbase
    inner join coins on coinbase.symbol = upper(coins.symbol) || '-USD'
    union all
    select
        coins.symbol,
        'kraken' as venue,
        kraken.opened_at,
        kraken.low_price,
        kraken.high_price,
        kraken.close_price,
        kraken.volume_base,
        kraken.vwap_price as price,
        kraken.available_at
    from kraken
    inner join coins on kraken.symbol = upper(coins.symbol) || 'USD'
    union all
    select
        coins.symbol,
        'bitstamp' as venue,
        bitstamp.opened_at,
        bitstamp.low_price,
        bitstamp.high_price,
        bitstamp.close_price,
        bitstamp.volume_base,
        (bitstamp.open_price + bitstamp.high_price + bitstamp.low_price + bitstamp.close_price) / 4.0 as price,
        bitstamp.available_at
    from bitstamp
    inner join coins on bitstamp.symbol = lower(coins.symbol) || 'usd'
),

prices as (
    select
        symbol,
        venue,
        quote_symbol,
        opened_at,
        low_quote,
        high_quote,
        close_quote,
        volume_quote,
        price_quote,
        lowest_quote,
        available_at
    from binance
    union all
    select
        symbol,
        venue,
        'USD' as quote_symbol,
        opened_at,
        low_price as low_quote,
        high_price as high_quote,
        close_price as close_quote,
        price * volume_base as volume_quote,
        price as price_quote,
        cast(null as double) as lowest_quote,
        available_at
    from against_dollars
),

traded as (
    select * from prices
    where price_quote > 0 and volume_quote >= {{ floor_usd }}
),

quote_rates as (
    select
        symbol,
        opened_at,
        {{ median_of("price_quote") }} as rate_usd,
        max(available_at) as available_at
    from traded
    where quote_symbol = 'USD'
    group by symbol, opened_at
),

converted as (
    select
        traded.*,
        case
            when traded.quote_symbol = 'USD' then 1.0
            when quote_rates.rate_usd is not null then quote_rates.rate_usd
            when abs(reference_prices.price_usd - 1.0) <= 0.005 then reference_prices.price_usd
        end as quote_usd,
        case
            when traded.quote_symbol = 'USD' then 'dollars'
            when quote_rates.rate_usd is not null then 'venues in the hour'
            when abs(reference_prices.price_usd - 1.0) <= 0.005 then 'vendor on the day'
        end as quote_basis,
        case
            when traded.quote_symbol = 'USD' then traded.available_at
            when quote_rates.rate_usd is not null then greatest(traded.available_at, quote_rates.available_at)
            else greatest(traded.available_at, reference_prices.available_at)
        end as known_at
    from traded
    left join quote_rates
        on traded.quote_symbol = quote_rates.symbol and traded.opened_at = quote_rates.opened_at
    left join reference_prices
        on traded.quote_symbol = reference_prices.symbol and {{ utc_date("traded.opened_at") }} = reference_prices.date
),

final as (
    select
        symbol,
        venue,
        opened_at,
        {{ utc_date("opened_at") }} as date,
        quote_symbol,
        low_quote,
        high_quote,
        close_quote,
        volume_quote,
        price_quote,
        lowest_quote,
        quote_usd,
        quote_basis,
        price_quote * quote_usd as price_usd,
        coalesce(lowest_quote, price_quote) * quote_usd as lowest_usd,
        known_at as available_at
    from converted
)

select * from final
