{{ config(materialized="table") }}
{#
    How far a dollar coin is below one dollar: across the market, and at its worst venue. One row per hour in which a
    venue traded it; one per day for a coin, or a day, that only the vendor prices.

    The price across the market is the median of the venues where three or more trade it in the hour. Two venues have
    no median worth the name: there, the vendor's average over all venues of the day stands for it. Without either it
    is unknown, and so is whether a fall at one venue was that venue's own.
#}
with venue_hours as (
    select * from {{ ref("int_stablecoin_venue_prices_hourly") }}
),

days as (
    select * from {{ ref("int_stablecoins_daily") }}
    where price_usd > 0
),

-- Prices come in ticks, so venues tie: the first by name stands for them, whatever the order of the rows.
ranked as (
    select
        *,
        coalesce(lowest_usd, lowest_quote, price_quote) as lowest_price,
        min(coalesce(lowest_usd, lowest_quote, price_quote)) over (partition by symbol, opened_at) as lowest_of_hour
    from venue_hours
),

hours as (
    select
        symbol,
        opened_at,
        date,
        count(price_usd) as venue_count,
        {{ median_of("price_usd") }} as venue_median_usd,
        min(price_usd) as worst_hour_usd,
        min(lowest_usd) as worst_usd,
        min(case when lowest_price = lowest_of_hour then venue end) as worst_venue,
        min(coalesce(lowest_quote, price_quote)) as worst_quote,
        max(available_at) as available_at
    from ranked
    group by symbol, opened_at, date
),

crossed as (
    select
        hours.*,
        case when hours.venue_count >= 3 then hours.venue_median_usd else days.price_usd end as market_price_usd,
        case
            when hours.venue_count >= 3 then 'venues'
            when days.price_usd is not null then 'vendor average'
        end as market_basis,
        case
            when hours.venue_count < 3 then greatest(hours.available_at, days.price_available_at)
            else hours.available_at
        end as known_at,
        hours.available_at as venues_known_at
    from hours
    left join days on hours.symbol = days.symbol and hours.date = days.date
),

periods as (
    select
        symbol,
        opened_at as started_at,
        opened_at + interval '1 hour' as ended_at,
        date,
        1 as period_hours,
        venue_count,
        market_price_usd,
        market_basis,
        worst_hour_usd,
        worst_usd,
        worst_quote,
        worst_venue,
        known_at as available_at,
        venues_known_at as venues_available_at
    from crossed
    union all
    select
        days.symbol,
        cast(days.date as timestamp with time zone) as started_at,
        cast(days.date as timestamp with time zone) + interval '1 day' as ended_at,
        days.date,
        24 as period_hours,
        0 as venue_count,
        days.price_usd as market_price_usd,
        'vendor average' as market_basis,
        cast(null as double) as worst_hour_usd,
        cast(null as double) as worst_usd,
        cast(null as double) as worst_quote,
        cast(null as varchar) as worst_venue,
        days.price_available_at as available_at,
        cast(null as timestamp with time zone) as venues_available_at
    from days
    left join (select distinct symbol, date from hours) as traded_days
        on days.symbol = traded_days.symbol and days.date = traded_days.date
    where traded_days.symbol is null
),

final as (
    select
        symbol,
        started_at,
        ended_at,
        date,
        period_hours,
        venue_count,
        market_price_usd,
        market_basis,
        1e4 * case when market_price_usd is not null then greatest(0.0, 1.0 - market_price_usd) end as market_bp,
        1e4 * case when worst_hour_usd is not null then greatest(0.0, 1.0 - worst_hour_usd) end as worst_hour_bp,
        1e4 * case when worst_usd is not null then greatest(0.0, 1.0 - worst_usd) end as worst_bp,
        1e4 * case when worst_quote is not null then greatest(0.0, 1.0 - worst_quote) end as worst_quote_bp,
        worst_venue,
        worst_usd < 0.98 and market_price_usd > 0.995 as is_venue_local,
        available_at,
        venues_available_at
    from periods
)

select * from final
