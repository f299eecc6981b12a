{# D4: the same for a year of 1,095 eight-hour periods. #}
with funding as (
    select * from {{ ref("int_indicator__funding_8h") }}
),

final as (
    select
        observed_date,
        scope,
        10.95 * value as value,
        available_at
    from funding
)

select * from final
