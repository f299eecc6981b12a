{# O1 in coins, by vendor and cut: how far the long-term holders' supply fell over 30 days. #}
with readings as (
    select * from {{ ref("int_lth_distribution") }}
    where definition like 'net%'
),

final as (
    select
        date as observed_date,
        definition as scope,
        distributed_30d_btc as value,
        available_at
    from readings
)

select * from final
