with funding as (
    select * from {{ ref("int_funding_rates") }}
),

open_interest as (
    select * from {{ ref("int_open_interest_daily") }}
),

-- What one holds for a day costs the sum of its settlements, however often they fall due.
per_asset as (
    select
        asset,
        date,
        8.0 * sum(funding_rate) / nullif(sum(interval_hours), 0) as funding_8h_ratio,
        sum(interval_hours) as covered_hours,
        max(available_at) as available_at
    from funding
    group by asset, date
),

panel as (
    select asset, min(date) as entered_on from per_asset group by asset
),

weighted as (
    select
        days.date,
        sum(per_asset.funding_8h_ratio * open_interest.open_interest_usd) / sum(open_interest.open_interest_usd)
            as funding_8h_ratio,
        greatest(max(per_asset.available_at), max(open_interest.available_at)) as available_at,
        count(*) as asset_count,
        sum(case when per_asset.covered_hours >= 24 and open_interest.open_interest_usd > 0 then 1 else 0 end) as whole_count
    from (select distinct date from per_asset) as days
    inner join panel on days.date >= panel.entered_on
    left join per_asset on days.date = per_asset.date and panel.asset = per_asset.asset
    left join open_interest on days.date = open_interest.date and panel.asset = open_interest.asset
    group by days.date
),

final as (
    select
        date,
        case when whole_count = asset_count then funding_8h_ratio end as funding_8h_ratio,
        available_at
    from weighted
)

select * from final
