{#
    V5: how many of the large coins fell by more than 15 % in seven days, in per cent of them. Members are the 50 of the
    largest market value on the day the fall is measured from, as it was that day: a coin that has since collapsed or
    ended is in, one that has since grown large is not, and falling out of the list does not take a loss out of the
    count. At least 20 members are needed, and nine in ten of them must still have a price.
#}
with prices as (
    select * from {{ ref("stg_coinmetrics__breadth_prices") }}
    where price_usd > 0
),

sized as (
    select
        asset,
        date,
        price_usd,
        available_at,
        row_number() over (partition by date order by market_cap_usd desc, asset) as size_place
    from prices
    where market_cap_usd > 0
),

members as (
    select
        asset,
        date as member_date,
        cast(date + interval '7 days' as date) as observed_date,
        price_usd as price_before_usd,
        available_at
    from sized
    where size_place <= 50
),

outcomes as (
    select
        members.observed_date,
        prices.price_usd,
        prices.price_usd < 0.85 * members.price_before_usd as is_down,
        greatest(members.available_at, prices.available_at) as available_at
    from members
    left join prices on members.asset = prices.asset and members.observed_date = prices.date
),

final as (
    select
        observed_date,
        case
            when count(*) >= 20 and count(price_usd) >= 0.9 * count(*)
                then 100.0 * sum(case when is_down then 1 else 0 end) / count(price_usd)
        end as value,
        max(available_at) as available_at
    from outcomes
    group by observed_date
    having count(price_usd) > 0
)

select * from final
