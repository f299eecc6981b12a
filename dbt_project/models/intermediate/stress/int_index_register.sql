{# The inputs of both indices, one register below the other. An indicator counts in one index only. #}
with stress as (
    select * from {{ ref("stress_register") }}
),

vulnerability as (
    select * from {{ ref("vulnerability_register") }}
),

final as (
    select * from stress
    union all
    select * from vulnerability
)

select * from final
