{{ config(materialized="table") }}

{# Step 2 by day: the score of each pillar of each panel. #}
with inputs as (
    select * from {{ ref("int_index_inputs") }}
),

final as (
    {{ index_scores("inputs", "date", var("burn_in_days")) }}
)

select * from final
