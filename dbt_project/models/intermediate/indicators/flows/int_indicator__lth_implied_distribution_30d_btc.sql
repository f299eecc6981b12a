{# O1 by realised profit, in coins: how many coins the market's net realised profit of 30 days would have come from. #}
with readings as (
    select * from {{ ref("int_lth_distribution") }}
    where definition like 'implied%'
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
