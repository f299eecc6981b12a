{# D9: how far the perpetual's mark price is below its index, mean of a day, in basis points; by stress weights. #}
with per_asset as (
    select
        scope as asset,
        observed_date as date,
        -value as reading,
        available_at
    from {{ ref("int_indicator__perp_premium") }}
),

final as (
    {{ weighted_over_assets("per_asset", "reading") }}
)

select * from final
