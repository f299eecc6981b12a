{{ config(materialized="table") }}

{#
    Depth of the perpetual books by venue and hour against what that hour of the day usually has. `norm` is the median
    of the same UTC hour over the 30 days before (20 of them needed), today left out, so that a thin day is not its own
    yardstick. `usual` is the same median with today in: what tells thin hours of the day from thick ones.

    Binance: the median of the snapshots of an hour, and the depth that was undercut for ten minutes of it. Kraken (1 %
    only) and OKX: one look an hour, contracts times their size times mid.
#}
with binance_bands as (
    select * from {{ ref("int_book_depth_hourly") }}
    where band_pct in (-4, -1, 1, 4)
),

kraken_books as (
    select * from {{ ref("stg_kraken_futures__liquidity") }}
),

kraken_quotes as (
    select * from {{ ref("stg_kraken_futures__spreads") }}
),

recorded_bands as (
    select * from {{ ref("stg_recorder__depth") }}
    where venue = 'okx' and band_pct in (-4, -1, 1, 4) and is_whole_band
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

kraken as (
    select
        contracts.asset,
        books.opened_at as hour_started_at,
        books.bid_liquidity_01_contracts * contracts.contract_size * (quotes.best_bid_price + quotes.best_ask_price) / 2
            as bid_usd,
        books.ask_liquidity_01_contracts * contracts.contract_size * (quotes.best_bid_price + quotes.best_ask_price) / 2
            as ask_usd,
        greatest(books.available_at, quotes.available_at) as available_at
    from kraken_books as books
    inner join kraken_quotes as quotes on books.symbol = quotes.symbol and books.opened_at = quotes.opened_at
    inner join contracts on contracts.venue = 'kraken' and books.symbol = contracts.symbol
),

bands as (
    select
        'binance' as venue,
        asset,
        hour_started_at,
        band_pct,
        depth_usd,
        ten_minute_low_usd,
        available_at
    from binance_bands
    union all
    select
        'kraken' as venue,
        asset,
        hour_started_at,
        -1 as band_pct,
        bid_usd as depth_usd,
        bid_usd as ten_minute_low_usd,
        available_at
    from kraken
    union all
    select
        'kraken' as venue,
        asset,
        hour_started_at,
        1 as band_pct,
        ask_usd as depth_usd,
        ask_usd as ten_minute_low_usd,
        available_at
    from kraken
    union all
    select
        'okx' as venue,
        contracts.asset,
        date_trunc('hour', looks.observed_at) as hour_started_at,
        looks.band_pct,
        {{ median_of("looks.depth_contracts * contracts.contract_size * looks.mid_price") }} as depth_usd,
        {{ median_of("looks.depth_contracts * contracts.contract_size * looks.mid_price") }} as ten_minute_low_usd,
        max(looks.available_at) as available_at
    from recorded_bands as looks
    inner join contracts on contracts.venue = 'okx' and looks.symbol = contracts.symbol
    group by contracts.asset, date_trunc('hour', looks.observed_at), looks.band_pct
),

sides as (
    select
        venue,
        asset,
        {{ utc_date("hour_started_at") }} as date,
        hour_started_at,
        cast(extract(hour from hour_started_at) as integer) as hour_of_day,
        max(case when band_pct = -1 and depth_usd > 0 then depth_usd end) as bid_1pct_usd,
        max(case when band_pct = 1 and depth_usd > 0 then depth_usd end) as ask_1pct_usd,
        max(case when band_pct = -4 and depth_usd > 0 then depth_usd end) as bid_4pct_usd,
        max(case when band_pct = 4 and depth_usd > 0 then depth_usd end) as ask_4pct_usd,
        max(case when band_pct = -1 and ten_minute_low_usd >= 0 then ten_minute_low_usd end) as low_bid_1pct_usd,
        max(case when band_pct = 1 and ten_minute_low_usd >= 0 then ten_minute_low_usd end) as low_ask_1pct_usd,
        max(case when band_pct = -4 and ten_minute_low_usd >= 0 then ten_minute_low_usd end) as low_bid_4pct_usd,
        max(case when band_pct = 4 and ten_minute_low_usd >= 0 then ten_minute_low_usd end) as low_ask_4pct_usd,
        max(available_at) as available_at
    from bands
    group by venue, asset, hour_started_at
),

hours as (
    select
        *,
        bid_1pct_usd + ask_1pct_usd as depth_1pct_usd,
        bid_4pct_usd + ask_4pct_usd as depth_4pct_usd
    from sides
),

medians as (
    select
        *,
        {{ median_over("depth_1pct_usd", "month_before") }} as median_1pct_usd,
        {{ median_over("bid_1pct_usd", "month_before") }} as median_bid_1pct_usd,
        {{ median_over("ask_1pct_usd", "month_before") }} as median_ask_1pct_usd,
        {{ median_over("depth_4pct_usd", "month_before") }} as median_4pct_usd,
        {{ median_over("depth_1pct_usd", "last_month") }} as usual_median_1pct_usd,
        count(depth_1pct_usd) over month_before as norm_1pct_count,
        count(depth_4pct_usd) over month_before as norm_4pct_count,
        count(depth_1pct_usd) over last_month as usual_1pct_count
    from hours
    window
        month_before as (
            partition by venue, asset, hour_of_day order by date
            range between interval '30 days' preceding and interval '1 day' preceding
        ),
        last_month as (
            partition by venue, asset, hour_of_day order by date
            range between interval '29 days' preceding and current row
        )
),

final as (
    select
        venue,
        asset,
        date,
        hour_started_at,
        hour_of_day,
        bid_1pct_usd,
        ask_1pct_usd,
        depth_1pct_usd,
        depth_4pct_usd,
        low_bid_1pct_usd,
        low_ask_1pct_usd,
        low_bid_1pct_usd + low_ask_1pct_usd as low_1pct_usd,
        low_bid_4pct_usd + low_ask_4pct_usd as low_4pct_usd,
        case when norm_1pct_count >= 20 then median_1pct_usd end as norm_1pct_usd,
        case when norm_1pct_count >= 20 then median_bid_1pct_usd end as norm_bid_1pct_usd,
        case when norm_1pct_count >= 20 then median_ask_1pct_usd end as norm_ask_1pct_usd,
        case when norm_4pct_count >= 20 then median_4pct_usd end as norm_4pct_usd,
        case when usual_1pct_count >= 20 then usual_median_1pct_usd end as usual_1pct_usd,
        available_at
    from medians
)

select * from final
