{#
    L3 per asset, on the perpetual book of Binance: the median depth of the six UTC hours that are thinnest over 30
    days, over that of the six thickest. The hours are ordered anew every day by their own median; of both sixes the
    median of the hours' medians counts. All 24 hours must have one. Choosing the thinnest of noisy hours gives a ratio
    below one even without a pattern, so the ratio is read against its own past.
#}
with hours as (
    select * from {{ ref("int_depth_norms_hourly") }}
    where venue = 'binance'
),

placed as (
    select
        asset,
        date,
        usual_1pct_usd,
        available_at,
        row_number() over (partition by asset, date order by usual_1pct_usd, hour_of_day) as place,
        count(usual_1pct_usd) over (partition by asset, date) as hour_count
    from hours
),

final as (
    select
        asset,
        date,
        {{ median_of("case when place <= 6 then usual_1pct_usd end") }} as night_depth_usd,
        {{ median_of("case when place >= 19 then usual_1pct_usd end") }} as day_depth_usd,
        {{ median_of("case when place <= 6 then usual_1pct_usd end") }}
        / {{ median_of("case when place >= 19 then usual_1pct_usd end") }} as night_ratio,
        max(available_at) as available_at
    from placed
    where hour_count = 24
    group by asset, date
)

select * from final
