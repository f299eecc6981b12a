{#
    F6: coins that flowed to exchanges less coins that left over seven days, in per cent of the exchange balance before
    them; Bitcoin and Ether by their stress weights. Flows come in dollars and are turned into coins at the day's price.
#}
with metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

windows as (
    select
        asset,
        date,
        sum((flow_in_exchange_usd - flow_out_exchange_usd) / price_usd) over last_week as netflow_native,
        count((flow_in_exchange_usd - flow_out_exchange_usd) / price_usd) over last_week as flow_count,
        max(exchange_supply_native) over week_before as opening_supply_native,
        max(available_at) over last_week as available_at
    from metrics
    window
        last_week as (partition by asset order by date range between interval '6 days' preceding and current row),
        week_before as (
            partition by asset order by date range between interval '7 days' preceding and interval '7 days' preceding
        )
),

per_asset as (
    select
        asset,
        date,
        case when flow_count = 7 then 100.0 * netflow_native / nullif(opening_supply_native, 0) end as netflow_pct,
        available_at
    from windows
),

final as (
    {{ weighted_over_assets("per_asset", "netflow_pct") }}
)

select * from final
