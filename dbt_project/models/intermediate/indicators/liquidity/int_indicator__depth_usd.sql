{#
    L1: dollars resting within a distance of mid on one side of the perpetual book of Binance; the hourly medians,
    averaged over the day. 1, 2, 4 and 5 % come from the archive, 0.2 % from the books recorded. A day needs 20 hours.
#}
with archived as (
    select * from {{ ref("int_book_depth_hourly") }}
    where abs(band_pct) in (1, 2, 4, 5)
),

looks as (
    select * from {{ ref("stg_recorder__depth") }}
    where venue = 'binance' and abs(band_pct) = 0.2 and is_whole_band
),

assets as (
    select * from {{ ref("assets") }}
),

hours as (
    select
        asset,
        date,
        hour_started_at,
        band_pct,
        depth_usd,
        available_at
    from archived
    union all
    select
        assets.asset,
        {{ utc_date("date_trunc('hour', looks.observed_at)") }} as date,
        date_trunc('hour', looks.observed_at) as hour_started_at,
        looks.band_pct,
        {{ median_of("looks.depth_usd") }} as depth_usd,
        max(looks.available_at) as available_at
    from looks
    inner join assets on looks.symbol = assets.perpetual_symbol
    group by assets.asset, date_trunc('hour', looks.observed_at), looks.band_pct
),

days as (
    select
        asset,
        date,
        band_pct,
        case when count(depth_usd) >= 20 then avg(depth_usd) end as depth_usd,
        max(available_at) as available_at
    from hours
    group by asset, date, band_pct
),

final as (
    select
        date as observed_date,
        asset || '_' || case abs(band_pct)
            when 0.2 then '0.2' when 1 then '1' when 2 then '2' when 4 then '4' when 5 then '5'
        end || 'pct_' || case when band_pct < 0 then 'bid' else 'ask' end as scope,
        depth_usd as value,
        available_at
    from days
)

select * from final
