{{ config(materialized="table") }}

{#
    How much open interest every venue lost within each hour, in coins and at the hour's price: from the close of the hour
    before to the lowest reading where lows are held, else to the close. Positions closed by their owners are in it, which
    is why it bounds what was closed by force from above, as far as hours show: falls that were made up for within the hour
    show only where a low is held. Without the hour before there is none.
#}
with binance as (
    select * from {{ ref("int_open_interest_hourly") }}
),

gate as (
    select * from {{ ref("stg_gate__contract_stats") }}
),

kraken as (
    select * from {{ ref("stg_kraken_futures__open_interest") }}
),

bybit as (
    select * from {{ ref("stg_bybit__open_interest") }}
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

readings as (
    select
        'binance' as venue,
        symbol,
        hour_started_at,
        open_interest_coin as close_contracts,
        low_open_interest_coin as low_contracts,
        available_at
    from binance
    union all
    select
        'gate',
        symbol,
        opened_at,
        open_interest_contracts,
        null,
        available_at
    from gate
    union all
    select
        'kraken',
        symbol,
        opened_at,
        open_interest_close_contracts,
        open_interest_low_contracts,
        available_at
    from kraken
    union all
    select
        'bybit',
        symbol,
        observed_at - interval '1 hour',
        coalesce(open_interest_coin, open_interest_double_sided_coin / 2.0),
        null,
        available_at
    from bybit
),

steps as (
    select
        *,
        lag(hour_started_at) over by_symbol as previous_hour,
        lag(close_contracts) over by_symbol as opening_contracts
    from readings
    window by_symbol as (partition by venue, symbol order by hour_started_at)
),

converted as (
    select
        steps.venue,
        contracts.asset,
        steps.hour_started_at,
        case
            when contracts.contract_unit = 'usd' then contracts.contract_size / candles.close_usd
            else contracts.contract_size
        end as coin_per_contract,
        case when steps.previous_hour = steps.hour_started_at - interval '1 hour' then steps.opening_contracts end
            as opening_contracts,
        steps.close_contracts,
        least(coalesce(steps.low_contracts, steps.close_contracts), steps.close_contracts) as low_contracts,
        candles.close_usd,
        greatest(steps.available_at, candles.available_at) as available_at
    from steps
    inner join contracts
        on
            steps.venue = contracts.venue
            and steps.symbol = contracts.symbol
            and (contracts.valid_to is null or {{ utc_date("steps.hour_started_at") }} <= contracts.valid_to)
    inner join candles on contracts.asset = candles.asset and steps.hour_started_at = candles.opened_at
),

final as (
    select
        venue,
        asset,
        hour_started_at,
        {{ utc_date("hour_started_at") }} as date,
        sum(opening_contracts * coin_per_contract) as opening_coin,
        sum(close_contracts * coin_per_contract) as closing_coin,
        sum(greatest(0.0, opening_contracts - low_contracts) * coin_per_contract) as fall_coin,
        sum(greatest(0.0, opening_contracts - low_contracts) * coin_per_contract * close_usd) as fall_usd,
        sum(opening_contracts * coin_per_contract * close_usd) as opening_usd,
        max(available_at) as available_at
    from converted
    group by venue, asset, hour_started_at
    having count(*) = count(opening_contracts) and count(*) = count(low_contracts) and min(opening_contracts) > 0
)

select * from final
