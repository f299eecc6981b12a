{# D1: open interest of the fixed panel in US dollars: how much is at stake, not how much was closed. #}
with open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        open_interest_usd as value,
        available_at
    from open_interest
)

select * from final
