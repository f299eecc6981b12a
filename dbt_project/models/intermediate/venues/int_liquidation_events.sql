{{ config(materialized="table") }}

{#
    Single closures in US dollars: what the recorder heard, and the history of Bitfinex. Contracts and coins are valued at
    the price of the closure itself, for want of one at the close of the hour. A closure whose side the venue does not tell
    counts in the total only. The class says whether the feed tells every closure; a recorded one has that of its own span.
#}
with bitfinex as (
    select * from {{ ref("stg_bitfinex__liquidations") }}
),

recorded as (
    select * from {{ ref("stg_recorder__liquidations") }}
),

feeds as (
    select * from {{ ref("stg_recorder__coverage") }}
    where stream = 'liquidations' and status = 'connected'
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

declared as (
    select * from {{ ref("liquidation_coverage") }}
),

told as (
    select
        'bitfinex__liquidations' as source,
        'bitfinex' as venue,
        symbol,
        cast(position_id as varchar) as event_id,
        liquidated_at as occurred_at,
        case when amount_coin > 0 then 'long' when amount_coin < 0 then 'short' end as side,
        abs(amount_coin) as size_coin,
        cast(null as double) as size_contracts,
        cast(null as double) as size_usd,
        liquidation_price as price,
        available_at
    from bitfinex
    where is_executed
    union all
    select
        'recorder__liquidations',
        venue,
        symbol,
        event_id,
        occurred_at,
        side,
        size_coin,
        size_contracts,
        size_usd,
        price,
        available_at
    from recorded
),

converted as (
    select
        told.source,
        told.venue,
        contracts.asset,
        told.symbol,
        told.event_id,
        told.occurred_at,
        told.side,
        coalesce(
            told.size_usd,
            case when contracts.contract_unit = 'usd' then told.size_contracts * contracts.contract_size end,
            coalesce(told.size_coin, told.size_contracts * contracts.contract_size) * coalesce(told.price, candles.close_usd)
        ) as size_usd,
        case
            when told.size_usd is null and told.price is null then greatest(told.available_at, candles.available_at)
            else told.available_at
        end as available_at
    from told
    inner join contracts
        on
            told.venue = contracts.venue
            and told.symbol = contracts.symbol
            and (contracts.valid_to is null or {{ utc_date("told.occurred_at") }} <= contracts.valid_to)
    left join candles
        on contracts.asset = candles.asset and date_trunc('hour', told.occurred_at) = candles.opened_at
),

final as (
    select
        converted.source,
        converted.venue,
        converted.asset,
        converted.symbol,
        converted.event_id,
        converted.occurred_at,
        case when converted.side = 'long' then converted.size_usd when converted.side = 'short' then 0.0 end as long_usd,
        case when converted.side = 'short' then converted.size_usd when converted.side = 'long' then 0.0 end as short_usd,
        converted.size_usd as total_usd,
        coalesce(feeds.coverage_class, declared.coverage_class, 'unknown') as coverage_class,
        converted.available_at
    from converted
    left join feeds
        on
            converted.source = 'recorder__liquidations'
            and converted.venue = feeds.venue
            and converted.occurred_at >= feeds.started_at
            and converted.occurred_at < feeds.ended_at
    left join declared
        on
            converted.source = declared.source
            and {{ utc_date("converted.occurred_at") }} >= declared.valid_from
            and (declared.valid_to is null or {{ utc_date("converted.occurred_at") }} <= declared.valid_to)
)

select * from final
