{# D2: open interest over the value of the coins that exchanges hold, by stress weights. #}
with per_asset as (
    select
        scope as asset,
        observed_date as date,
        value as reading,
        available_at
    from {{ ref("int_indicator__elr") }}
),

final as (
    {{ weighted_over_assets("per_asset", "reading") }}
)

select * from final
