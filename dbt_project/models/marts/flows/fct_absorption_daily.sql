{# The parts of the absorption ratio (F11), so that a reader sees what moved it and what is missing. #}
with parts as (
    select * from {{ ref("int_absorption_30d") }}
),

final as (
    select
        date,
        etf_net_flow_usd,
        treasury_net_buy_usd,
        stable_supply_change_usd,
        lth_net_distribution_usd,
        issuance_usd,
        direct_demand_usd / nullif(supply_usd, 0) as absorption_phi_0_ratio,
        (direct_demand_usd + 0.3 * stable_growth_usd) / nullif(supply_usd, 0) as absorption_ratio,
        (direct_demand_usd + stable_growth_usd) / nullif(supply_usd, 0) as absorption_phi_1_ratio,
        nullif(
            concat_ws(
                ', ',
                case when etf_net_flow_usd is null then 'fund flows' end,
                case when treasury_net_buy_usd is null then 'company purchases' end,
                case when stable_supply_change_usd is null then 'stablecoin supply' end,
                case when lth_net_distribution_usd is null then 'long-term holder supply' end,
                case when issuance_usd is null then 'issuance' end
            ),
            ''
        ) as missing_parts,
        available_with_stable_at as available_at
    from parts
)

select * from final
