{#
    How far the definitions of long-term holder distribution lie apart on a day, and which of them spoke. A definition
    that is silent narrows the interval, so their number stands beside it.
#}
with readings as (
    select * from {{ ref("fct_lth_distribution_daily") }}
),

definitions as (
    select * from {{ ref("lth_definitions") }}
),

days as (
    select distinct date from readings
),

final as (
    select
        days.date,
        min(readings.distributed_30d_btc) as low_30d_btc,
        max(readings.distributed_30d_btc) as high_30d_btc,
        min(case when definitions.kind = 'net' then readings.distributed_30d_btc end) as net_low_30d_btc,
        max(case when definitions.kind = 'net' then readings.distributed_30d_btc end) as net_high_30d_btc,
        cast(count(readings.definition) as integer) as definition_count,
        {{ text_list("definitions.definition", "readings.definition is not null") }} as definitions,
        {{ text_list("definitions.definition", "readings.definition is null") }} as missing_definitions,
        max(readings.available_at) as available_at
    from days
    cross join definitions
    left join readings on days.date = readings.date and definitions.definition = readings.definition
    group by days.date
)

select * from final
