{# Coins that long-term holders parted with over 30 days, one row per definition; positive is distribution. #}
with readings as (
    select * from {{ ref("int_lth_distribution") }}
),

definitions as (
    select * from {{ ref("lth_definitions") }}
),

final as (
    select
        readings.date,
        readings.definition,
        definitions.kind,
        readings.distributed_30d_btc,
        readings.distributed_30d_pct,
        readings.opening_supply_btc,
        definitions.source,
        readings.available_at
    from readings
    inner join definitions on readings.definition = definitions.definition
)

select * from final
