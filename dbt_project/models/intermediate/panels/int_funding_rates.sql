{{ config(materialized="table") }}

with archived as (
    select * from {{ ref("stg_binance_vision__um_funding_rates") }}
),

live as (
    select * from {{ ref("stg_binance_futures__funding_rates") }}
),

assets as (
    select * from {{ ref("assets") }}
),

-- The monthly archive and the REST history carry the same settlements; the archive also says the interval.
settlements as (
    select
        coalesce(archived.symbol, live.symbol) as symbol,
        coalesce(archived.settled_at, live.settled_at) as settled_at,
        coalesce(archived.funding_rate, live.funding_rate) as funding_rate,
        archived.interval_hours as archived_interval_hours,
        case when archived.symbol is not null then 'binance_vision' else 'binance_futures' end as funding_source,
        least(archived.available_at, live.available_at) as available_at
    from archived
    full outer join live on archived.symbol = live.symbol and archived.settled_at = live.settled_at
),

spaced as (
    select
        *,
        cast(round({{ hours_between("lag(settled_at) over by_symbol", "settled_at") }}) as bigint) as hours_since_previous,
        cast(round({{ hours_between("settled_at", "lead(settled_at) over by_symbol") }}) as bigint) as hours_to_next
    from settlements
    window by_symbol as (partition by symbol order by settled_at)
),

-- Rows of the REST history carry no interval: it is the distance to a neighbouring settlement, 8 h at the most.
intervals as (
    select
        *,
        coalesce(
            archived_interval_hours,
            case when hours_since_previous between 1 and 8 then hours_since_previous end,
            case when hours_to_next between 1 and 8 then hours_to_next end
        ) as interval_hours
    from spaced
),

final as (
    select
        assets.asset,
        intervals.symbol,
        intervals.settled_at,
        {{ utc_date("intervals.settled_at") }} as date,
        intervals.interval_hours,
        intervals.funding_rate,
        intervals.funding_rate * 8.0 / intervals.interval_hours as funding_8h_ratio,
        intervals.funding_source,
        intervals.available_at
    from intervals
    inner join assets on intervals.symbol = assets.perpetual_symbol
)

select * from final
