{#
    D4: what longs pay shorts for eight hours, by asset and, weighted by open interest, for the market. A day costs the sum
    of its settlements over the hours they cover, whatever the interval at each was; a day that is not covered has none.
#}
with funding as (
    select * from {{ ref("int_funding_rates") }}
),

market as (
    select * from {{ ref("int_funding_daily") }}
),

per_asset as (
    select
        asset,
        date,
        8.0 * sum(funding_rate) / nullif(sum(interval_hours), 0) as funding_8h_ratio,
        sum(interval_hours) as covered_hours,
        count(*) - count(interval_hours) as unknown_count,
        max(available_at) as available_at
    from funding
    group by asset, date
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when covered_hours >= 24 and unknown_count = 0 then 1e4 * funding_8h_ratio end as value,
        available_at
    from per_asset
    union all
    select
        date as observed_date,
        'market' as scope,
        1e4 * funding_8h_ratio as value,
        available_at
    from market
)

select * from final
