{{ config(materialized="table") }}

{#
    Liquidations by hour, asset and source in US dollars, longs and shorts apart where the source tells them. Gate and Kraken
    sum their own by the hour: an hour without a row of theirs is an hour nobody knows. The others tell single closures, so
    their hours without one have no row and say nothing. Coins that come without a price are valued at the hour's close.
#}
with gate as (
    select * from {{ ref("stg_gate__contract_stats") }}
),

kraken as (
    select * from {{ ref("stg_kraken_futures__liquidation_volume") }}
),

events as (
    select * from {{ ref("int_liquidation_events") }}
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
        'gate__contract_stats' as source,
        'gate' as venue,
        symbol,
        opened_at as hour_started_at,
        long_liquidations_usd as long_usd,
        short_liquidations_usd as short_usd,
        cast(null as double) as both_contracts,
        available_at
    from gate
    union all
    select
        'kraken_futures__liquidation_volume',
        'kraken',
        symbol,
        opened_at,
        null,
        null,
        liquidations_contracts,
        available_at
    from kraken
),

valued as (
    select
        told.source,
        told.venue,
        contracts.asset,
        told.hour_started_at,
        told.long_usd,
        told.short_usd,
        coalesce(
            told.long_usd + told.short_usd,
            case
                when contracts.contract_unit = 'usd' then told.both_contracts * contracts.contract_size
                else told.both_contracts * contracts.contract_size * candles.close_usd
            end
        ) as total_usd,
        case
            when told.both_contracts is not null and contracts.contract_unit = 'coin'
                then greatest(told.available_at, candles.available_at)
            else told.available_at
        end as available_at
    from told
    inner join contracts
        on
            told.venue = contracts.venue
            and told.symbol = contracts.symbol
            and (contracts.valid_to is null or {{ utc_date("told.hour_started_at") }} <= contracts.valid_to)
    left join candles on contracts.asset = candles.asset and told.hour_started_at = candles.opened_at
),

summed as (
    select
        valued.source,
        valued.venue,
        valued.asset,
        valued.hour_started_at,
        sum(valued.long_usd) as long_usd,
        sum(valued.short_usd) as short_usd,
        -- A contract that lacks its figure leaves no sum.
        case when count(*) = count(valued.total_usd) then sum(valued.total_usd) end as total_usd,
        coalesce(min(declared.coverage_class), 'unknown') as coverage_class,
        max(valued.available_at) as available_at
    from valued
    left join declared
        on
            valued.source = declared.source
            and {{ utc_date("valued.hour_started_at") }} >= declared.valid_from
            and (declared.valid_to is null or {{ utc_date("valued.hour_started_at") }} <= declared.valid_to)
    group by valued.source, valued.venue, valued.asset, valued.hour_started_at
    union all
    select
        source,
        venue,
        asset,
        date_trunc('hour', occurred_at) as hour_started_at,
        sum(long_usd) as long_usd,
        sum(short_usd) as short_usd,
        sum(total_usd) as total_usd,
        case when min(coverage_class) = max(coverage_class) then min(coverage_class) else 'unknown' end as coverage_class,
        max(available_at) as available_at
    from events
    where total_usd is not null
    group by source, venue, asset, date_trunc('hour', occurred_at)
),

final as (
    select
        source,
        venue,
        asset,
        hour_started_at,
        {{ utc_date("hour_started_at") }} as date,
        long_usd,
        short_usd,
        total_usd,
        coverage_class,
        available_at
    from summed
)

select * from final
