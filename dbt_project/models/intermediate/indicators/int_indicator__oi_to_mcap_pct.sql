{# D1: open interest in per cent of the market value, by stress weights. #}
with per_asset as (
    select
        scope as asset,
        observed_date as date,
        value as reading,
        available_at
    from {{ ref("int_indicator__oi_to_mcap") }}
),

final as (
    {{ weighted_over_assets("per_asset", "reading") }}
)

select * from final
