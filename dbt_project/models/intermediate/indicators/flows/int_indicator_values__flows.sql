{% set indicators = [
    "exchange_balance_change_30d",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
