{#
    Funding settlements of every venue with the hours each covers. Where a venue does not say, it is the distance to the
    neighbouring settlement, never more than eight hours: the interval at that settlement, not today's. A settlement whose
    rate is not known yet is a neighbour all the same.
#}
with binance as (
    select * from {{ ref("int_funding_rates") }}
),

bybit as (
    select * from {{ ref("stg_bybit__funding_rates") }}
),

okx as (
    select * from {{ ref("stg_okx__funding_rates") }}
),

bitmex as (
    select * from {{ ref("stg_bitmex__funding_rates") }}
),

deribit as (
    select * from {{ ref("stg_deribit__funding_rates") }}
),

hyperliquid as (
    select * from {{ ref("stg_hyperliquid__funding_rates") }}
),

contracts as (
    select * from {{ ref("universe_contracts") }}
),

settlements as (
    select 'bybit' as venue, symbol, settled_at, funding_rate, cast(null as bigint) as stated_hours, available_at from bybit
    union all
    select 'okx', symbol, settled_at, funding_rate, null, available_at from okx
    union all
    select 'bitmex', symbol, settled_at, funding_rate, interval_hours, available_at from bitmex
    union all
    select 'deribit', symbol, settled_at, funding_rate, interval_hours, available_at from deribit
    union all
    select 'hyperliquid', symbol, settled_at, funding_rate, interval_hours, available_at from hyperliquid
),

spaced as (
    select
        *,
        cast(round({{ hours_between("lag(settled_at) over by_symbol", "settled_at") }}) as bigint) as hours_since_previous,
        cast(round({{ hours_between("settled_at", "lead(settled_at) over by_symbol") }}) as bigint) as hours_to_next
    from settlements
    window by_symbol as (partition by venue, symbol order by settled_at)
),

final as (
    select
        spaced.venue,
        contracts.asset,
        spaced.symbol,
        spaced.settled_at,
        {{ utc_date("spaced.settled_at") }} as date,
        spaced.funding_rate,
        coalesce(
            spaced.stated_hours,
            case when spaced.hours_since_previous between 1 and 8 then spaced.hours_since_previous end,
            case when spaced.hours_to_next between 1 and 8 then spaced.hours_to_next end
        ) as interval_hours,
        spaced.stated_hours is not null as is_interval_stated,
        spaced.available_at
    from spaced
    inner join contracts
        on spaced.venue = contracts.venue
        and spaced.symbol = contracts.symbol
        and (contracts.valid_to is null or {{ utc_date("spaced.settled_at") }} <= contracts.valid_to)
    where spaced.funding_rate is not null
    union all
    select
        'binance' as venue,
        asset,
        symbol,
        settled_at,
        date,
        funding_rate,
        interval_hours,
        funding_source = 'binance_vision' as is_interval_stated,
        available_at
    from binance
    where funding_rate is not null
)

select * from final
