{% set indicators = [
    "ofr_fsi",
    "fear_greed",
] %}

with final as (
    {{ indicator_union(indicators) }}
)

select * from final
