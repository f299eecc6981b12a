{{ config(materialized="table") }}

{# Step 4 by day: the print of every variant, before regimes and annotations. #}
with exposures as (
    select * from {{ ref("int_index_exposures") }}
),

final as (
    {{ index_prints("exposures", "date") }}
)

select * from final
