{{ config(materialized="table") }}

{#
    Liquidations by day, asset and source, longs and shorts apart, in US dollars. A source that tells only coins or
    contracts is valued at the day's price and known no sooner than that; one that does not tell the side has neither, only
    the sum. Whether a source sees every liquidation or a part of them is its coverage class of that day, unknown where none
    is declared: sources of different classes are not added up.
#}
with gate as (
    select * from {{ ref("stg_gate__contract_stats") }}
),

kraken as (
    select * from {{ ref("stg_kraken_futures__liquidation_volume") }}
),

bitfinex as (
    select * from {{ ref("stg_bitfinex__liquidations") }}
),

okx as (
    select * from {{ ref("stg_okx__liquidations") }}
),

coinglass as (
    select * from {{ ref("stg_coinglass__liquidations") }}
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
),

coverage as (
    select * from {{ ref("liquidation_coverage") }}
),

by_contract as (
    select
        'gate__contract_stats' as source,
        'gate' as venue,
        symbol,
        {{ utc_date("opened_at") }} as date,
        cast(null as double) as long_coin,
        cast(null as double) as short_coin,
        cast(null as double) as both_contracts,
        long_liquidations_usd as long_usd,
        short_liquidations_usd as short_usd,
        available_at
    from gate
    union all
    select
        'kraken_futures__liquidation_volume',
        'kraken',
        symbol,
        {{ utc_date("opened_at") }},
        null,
        null,
        liquidations_contracts,
        null,
        null,
        available_at
    from kraken
    union all
    select
        'bitfinex__liquidations',
        'bitfinex',
        symbol,
        {{ utc_date("liquidated_at") }},
        case when amount_coin > 0 then amount_coin when amount_coin <= 0 then 0.0 end,
        case when amount_coin < 0 then -amount_coin when amount_coin >= 0 then 0.0 end,
        null,
        null,
        null,
        available_at
    from bitfinex
    where is_executed
    union all
    select
        'okx__liquidations',
        'okx',
        okx.symbol,
        {{ utc_date("okx.occurred_at") }},
        null,
        null,
        null,
        case when okx.position_side = 'long' then okx.liquidation_count else 0 end
        * okx.size_contracts * contracts.contract_size * okx.bankruptcy_price,
        case when okx.position_side = 'short' then okx.liquidation_count else 0 end
        * okx.size_contracts * contracts.contract_size * okx.bankruptcy_price,
        okx.available_at
    from okx
    inner join contracts
        on contracts.venue = 'okx'
        and okx.symbol = contracts.symbol
        and (contracts.valid_to is null or {{ utc_date("okx.occurred_at") }} <= contracts.valid_to)
),

valued as (
    select
        by_contract.source,
        by_contract.venue,
        contracts.asset,
        by_contract.date,
        by_contract.both_contracts,
        coalesce(by_contract.long_usd, by_contract.long_coin * prices.close_usd) as long_usd,
        coalesce(by_contract.short_usd, by_contract.short_coin * prices.close_usd) as short_usd,
        case
            when contracts.contract_unit = 'usd' then by_contract.both_contracts * contracts.contract_size
            else by_contract.both_contracts * contracts.contract_size * prices.close_usd
        end as both_usd,
        case
            when by_contract.long_coin is not null or (by_contract.both_contracts is not null and contracts.contract_unit = 'coin')
                then greatest(by_contract.available_at, prices.available_at)
            else by_contract.available_at
        end as available_at
    from by_contract
    inner join contracts
        on by_contract.venue = contracts.venue
        and by_contract.symbol = contracts.symbol
        and (contracts.valid_to is null or by_contract.date <= contracts.valid_to)
    left join prices on contracts.asset = prices.asset and by_contract.date = prices.date
),

summed as (
    select
        source,
        venue,
        asset,
        date,
        sum(long_usd) as long_usd,
        sum(short_usd) as short_usd,
        -- A contract that lacks its price leaves no sum.
        case
            when count(both_contracts) = count(both_usd) then coalesce(sum(both_usd), sum(long_usd) + sum(short_usd))
        end as total_usd,
        max(available_at) as available_at
    from valued
    group by source, venue, asset, date
    union all
    select
        'coinglass__liquidations' as source,
        'coinglass' as venue,
        asset,
        date,
        long_liquidations_usd as long_usd,
        short_liquidations_usd as short_usd,
        long_liquidations_usd + short_liquidations_usd as total_usd,
        available_at
    from coinglass
),

final as (
    select
        summed.source,
        summed.venue,
        summed.asset,
        summed.date,
        summed.long_usd,
        summed.short_usd,
        summed.total_usd,
        coalesce(coverage.coverage_class, 'unknown') as coverage_class,
        summed.available_at
    from summed
    left join coverage
        on summed.source = coverage.source
        and summed.date >= coverage.valid_from
        and (coverage.valid_to is null or summed.date <= coverage.valid_to)
)

select * from final
