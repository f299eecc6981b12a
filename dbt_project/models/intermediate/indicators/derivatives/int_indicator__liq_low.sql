{#
    D8, lower bound: what venues that sum their own report as closed by force in a day, in US dollars. Gate and Kraken by
    the rule of the liquidation intensity, so that both bounds speak of the same venues.
#}
with bounds as (
    select * from {{ ref("int_liquidation_bounds_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        low_usd as value,
        available_at
    from bounds
)

select * from final
