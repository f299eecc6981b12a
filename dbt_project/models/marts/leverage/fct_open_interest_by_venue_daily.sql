with open_interest as (
    select * from {{ ref("int_venue_open_interest_daily") }}
),

final as (
    select
        date,
        venue,
        asset,
        open_interest_coin,
        open_interest_usd,
        100.0 * open_interest_usd / nullif(sum(open_interest_usd) over (partition by asset, date), 0) as share_of_venues_pct,
        cast(contract_count as bigint) as contract_count,
        is_halved,
        available_at
    from open_interest
)

select * from final
