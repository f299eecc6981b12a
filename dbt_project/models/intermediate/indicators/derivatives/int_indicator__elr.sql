{# D2 by asset: open interest of the fixed panel over the dollar value of the coins that exchanges hold. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

final as (
    select
        open_interest.date as observed_date,
        open_interest.asset as scope,
        open_interest.open_interest_usd / nullif(metrics.exchange_supply_native * metrics.price_usd, 0) as value,
        greatest(open_interest.available_at, metrics.available_at) as available_at
    from open_interest
    inner join metrics on open_interest.asset = metrics.asset and open_interest.date = metrics.date
)

select * from final
