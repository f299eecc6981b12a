{{ config(materialized="table") }}

{# Step 4 by day, the part that index, contributions and changes share, for every variant. #}
with scores as (
    select * from {{ ref("int_index_pillars") }}
),

correlations as (
    select * from {{ ref("int_index_correlations") }}
),

weights as (
    select * from {{ ref("int_index_weights") }}
),

final as (
    {{ index_exposures("scores", "correlations", "weights", "date") }}
)

select * from final
