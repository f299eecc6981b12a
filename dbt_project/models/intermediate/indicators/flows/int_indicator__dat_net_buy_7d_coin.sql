{#
    F8 over all listed companies: change of the coins they hold over seven days, from daily snapshots. The companies are
    those of the snapshot seven days before; one that is missing since leaves the day without a value, one that is new
    does not count, because it may have held its coins for long.
#}
with snapshots as (
    select * from {{ ref("stg_coingecko__public_treasuries") }}
),

newest as (
    select
        asset,
        {{ utc_date("observed_at") }} as date,
        max(observed_at) as observed_at
    from snapshots
    group by asset, {{ utc_date("observed_at") }}
),

holdings as (
    select
        newest.date,
        snapshots.asset,
        snapshots.entity,
        snapshots.ticker,
        snapshots.holdings_coin,
        snapshots.available_at
    from snapshots
    inner join newest on snapshots.asset = newest.asset and snapshots.observed_at = newest.observed_at
),

days as (
    select asset, date, max(available_at) as available_at from holdings group by asset, date
),

final as (
    select
        days.date as observed_date,
        days.asset as scope,
        case when count(*) = count(later.holdings_coin) then sum(later.holdings_coin - earlier.holdings_coin) end
            as value,
        max(days.available_at) as available_at
    from days
    inner join holdings as earlier
        on days.asset = earlier.asset and earlier.date = {{ days_before("days.date", 7) }}
    left join holdings as later
        on
            days.asset = later.asset
            and days.date = later.date
            and earlier.entity = later.entity
            and earlier.ticker = later.ticker
    where earlier.holdings_coin is not null
    group by days.date, days.asset
)

select * from final
