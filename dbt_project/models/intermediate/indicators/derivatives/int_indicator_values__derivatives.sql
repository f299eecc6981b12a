{% set indicators = [
    "oi_to_mcap",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
