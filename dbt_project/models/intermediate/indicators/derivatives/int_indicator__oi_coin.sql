{# D1: open interest of the fixed panel in coins, so that the price alone moves nothing. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        open_interest_coin as value,
        available_at
    from open_interest
)

select * from final
