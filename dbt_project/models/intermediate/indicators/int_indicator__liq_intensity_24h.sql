{# D6: forced closures of a day in per cent of the open interest at its start, by stress weights. #}
with per_asset as (
    select
        scope as asset,
        observed_date as date,
        value as reading,
        available_at
    from {{ ref("int_indicator__liq_intensity") }}
),

final as (
    {{ weighted_over_assets("per_asset", "reading") }}
)

select * from final
