{{ config(materialized="table") }}

{#
    Open interest at the end of each day by venue and asset, in coins and in US dollars, one side counted. Contracts become
    coins by what a contract is (dim_contracts); what a venue counts on both sides is halved; a venue that tells only one of
    the two units has the other at the day's price, and is known no sooner than that price. A venue one of whose contracts
    cannot be converted has no sum: what is left would look like a fall.
#}
with binance as (
    select * from {{ ref("int_open_interest_daily") }}
),

bybit as (
    select * from {{ ref("stg_bybit__open_interest") }}
),

okx as (
    select * from {{ ref("stg_okx__open_interest") }}
),

gate as (
    select * from {{ ref("stg_gate__contract_stats") }}
),

kraken as (
    select * from {{ ref("stg_kraken_futures__open_interest") }}
),

deribit as (
    select * from {{ ref("stg_deribit__book_summary") }}
),

hyperliquid as (
    select * from {{ ref("stg_hyperliquid__asset_contexts") }}
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

readings as (
    select
        'bybit' as venue,
        symbol,
        observed_at as read_at,
        cast(null as double) as open_interest_contracts,
        coalesce(open_interest_coin, open_interest_double_sided_coin / 2.0) as open_interest_coin,
        cast(null as double) as open_interest_usd,
        coalesce(open_interest_double_sided_coin > 1.5 * coalesce(open_interest_coin, 0), false) as is_halved,
        available_at
    from bybit
    union all
    select 'okx', symbol, observed_at, null, open_interest_coin, open_interest_usd, false, available_at
    from okx
    union all
    select
        'gate',
        symbol,
        opened_at + interval '1 hour',
        open_interest_contracts,
        null,
        open_interest_usd,
        false,
        available_at
    from gate
    union all
    select 'kraken', symbol, opened_at + interval '1 hour', open_interest_close_contracts, null, null, false, available_at
    from kraken
    union all
    select 'deribit', symbol, observed_at, null, null, open_interest_usd, false, available_at
    from deribit
    where kind = 'future'
    union all
    select 'hyperliquid', symbol, observed_at, null, open_interest_coin, null, false, available_at
    from hyperliquid
),

-- The last reading of a day stands for its end; a reading at midnight ends the day before.
closes as (
    select
        readings.venue,
        readings.symbol,
        contracts.asset,
        contracts.contract_size,
        contracts.contract_unit,
        {{ utc_date("readings.read_at - interval '1 microsecond'") }} as date,
        readings.open_interest_contracts,
        readings.open_interest_coin,
        readings.open_interest_usd,
        readings.is_halved,
        readings.available_at,
        row_number() over (
            partition by readings.venue, readings.symbol, {{ utc_date("readings.read_at - interval '1 microsecond'") }}
            order by readings.read_at desc
        ) as recency
    from readings
    inner join contracts
        on readings.venue = contracts.venue
        and readings.symbol = contracts.symbol
        and (contracts.valid_to is null or {{ utc_date("readings.read_at - interval '1 microsecond'") }} <= contracts.valid_to)
),

told as (
    select
        venue,
        asset,
        date,
        coalesce(
            open_interest_coin, case when contract_unit = 'coin' then open_interest_contracts * contract_size end
        ) as told_coin,
        coalesce(
            open_interest_usd, case when contract_unit = 'usd' then open_interest_contracts * contract_size end
        ) as told_usd,
        is_halved,
        available_at
    from closes
    where recency = 1
),

converted as (
    select
        told.venue,
        told.asset,
        told.date,
        coalesce(told.told_coin, told.told_usd / prices.close_usd) as open_interest_coin,
        coalesce(told.told_usd, told.told_coin * prices.close_usd) as open_interest_usd,
        told.is_halved,
        case
            when told.told_coin is null or told.told_usd is null then greatest(told.available_at, prices.available_at)
            else told.available_at
        end as available_at
    from told
    left join prices on told.asset = prices.asset and told.date = prices.date
),

final as (
    select
        'binance' as venue,
        asset,
        date,
        open_interest_coin,
        open_interest_usd,
        1 as contract_count,
        false as is_halved,
        available_at
    from binance
    union all
    select
        venue,
        asset,
        date,
        case when count(*) = count(open_interest_coin) then sum(open_interest_coin) end as open_interest_coin,
        case when count(*) = count(open_interest_usd) then sum(open_interest_usd) end as open_interest_usd,
        count(*) as contract_count,
        max(case when is_halved then 1 else 0 end) = 1 as is_halved,
        max(available_at) as available_at
    from converted
    group by venue, asset, date
)

select * from final
