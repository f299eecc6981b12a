{# O3: change of the coins that exchanges hold over 30 days, in per cent. #}
with metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
    where asset in (select asset from {{ ref("assets") }})
),

windows as (
    select
        asset,
        date,
        exchange_supply_native,
        max(exchange_supply_native) over month_before as earlier_supply_native,
        available_at
    from metrics
    window month_before as (
        partition by asset order by date range between interval '30 days' preceding and interval '30 days' preceding
    )
),

final as (
    select
        date as observed_date,
        asset as scope,
        100.0 * (exchange_supply_native / nullif(earlier_supply_native, 0) - 1) as value,
        available_at
    from windows
)

select * from final
