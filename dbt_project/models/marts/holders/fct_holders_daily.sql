with lth_supply as (
    select * from {{ ref("stg_bgeometrics__lth_supply") }}
),

sth_sopr as (
    select * from {{ ref("stg_bgeometrics__sth_sopr") }}
),

sopr as (
    select * from {{ ref("stg_bgeometrics__sopr") }}
),

realized_price as (
    select * from {{ ref("stg_bgeometrics__realized_price") }}
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'btc'
),

days as (
    select date from lth_supply
    union
    select date from sth_sopr
    union
    select date from sopr
    union
    select date from realized_price
),

joined as (
    select
        days.date,
        lth_supply.lth_supply_btc,
        max(lth_supply.lth_supply_btc) over (
            order by days.date range between interval '30 days' preceding and interval '30 days' preceding
        ) as earlier_lth_supply_btc,
        sth_sopr.sth_sopr_ratio,
        sopr.sopr_ratio,
        realized_price.realized_price_usd,
        prices.close_usd
    from days
    left join lth_supply on days.date = lth_supply.date
    left join sth_sopr on days.date = sth_sopr.date
    left join sopr on days.date = sopr.date
    left join realized_price on days.date = realized_price.date
    left join prices on days.date = prices.date
),

final as (
    select
        date,
        lth_supply_btc,
        lth_supply_btc - earlier_lth_supply_btc as lth_supply_change_30d_btc,
        sth_sopr_ratio,
        sopr_ratio,
        realized_price_usd,
        close_usd as price_usd,
        close_usd / nullif(realized_price_usd, 0) as price_to_realized_ratio
    from joined
)

select * from final
