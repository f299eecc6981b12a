with metrics as (
    select * from {{ ref("stg_coinmetrics__asset_metrics") }}
),

final as (
    select
        date,
        asset,
        flow_in_exchange_usd,
        flow_out_exchange_usd,
        flow_in_exchange_usd - flow_out_exchange_usd as net_flow_usd,
        (flow_in_exchange_usd - flow_out_exchange_usd) / nullif(price_usd, 0) as net_flow_native,
        exchange_supply_native,
        available_at
    from metrics
    where flow_in_exchange_usd is not null or exchange_supply_native is not null
)

select * from final
