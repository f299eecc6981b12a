{% set indicators = [
    "downside_variance_share",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
