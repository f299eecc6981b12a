{#
    Liquidations over the open interest of the day before, both as one vendor reports them for the same venues: a figure
    with a long history, behind a key. A day on which an asset is missing has no value.
#}
with liquidations as (
    select * from {{ ref("stg_coinglass__liquidations") }}
    where asset in ('btc', 'eth')
),

open_interest as (
    select * from {{ ref("stg_coinglass__open_interest") }}
),

final as (
    select
        liquidations.date,
        100.0 * sum(liquidations.long_liquidations_usd + liquidations.short_liquidations_usd)
        / nullif(sum(open_interest.open_interest_usd), 0) as liquidations_pct,
        greatest(max(liquidations.available_at), max(open_interest.available_at)) as available_at
    from liquidations
    inner join open_interest
        on
            liquidations.asset = open_interest.asset
            and open_interest.date = {{ days_before("liquidations.date", 1) }}
    group by liquidations.date
    having
        count(liquidations.long_liquidations_usd + liquidations.short_liquidations_usd) = 2
        and count(open_interest.open_interest_usd) = 2
)

select * from final
