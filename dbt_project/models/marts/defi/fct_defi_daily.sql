with tvl as (
    select * from {{ ref("stg_defillama__tvl") }}
),

losses as (
    select * from {{ ref("int_indicator__hack_loss_30d") }}
),

final as (
    select
        tvl.date,
        tvl.tvl_usd,
        losses.value as hack_loss_30d_pct,
        tvl.available_at
    from tvl
    left join losses on tvl.date = losses.observed_date
)

select * from final
