{# Each claim by each definition it can be given: value, bounds, and the query that answers it. #}
with readings as (
    select * from {{ ref("int_claim_readings") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        readings.claim,
        cast(readings.reading_number as integer) as reading_number,
        readings.definition,
        readings.unit,
        readings.low_bound,
        readings.high_bound,
        readings.value,
        readings.holds,
        readings.query,
        market.market
    from readings
    cross join market
)

select * from final
