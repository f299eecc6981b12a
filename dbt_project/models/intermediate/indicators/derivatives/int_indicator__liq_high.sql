{#
    D8, upper bound: what open interest lost hour by hour at the same venues, in US dollars, and never less than what they
    report: a position closed by force can be taken over within the hour, and then open interest does not fall.
#}
with bounds as (
    select * from {{ ref("int_liquidation_bounds_daily") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        high_usd as value,
        available_at
    from bounds
)

select * from final
