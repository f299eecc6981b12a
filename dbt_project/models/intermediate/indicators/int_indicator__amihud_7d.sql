{#
    L6: Amihud (2002) illiquidity, the mean over 168 hours of the absolute hourly return per dollar traded, times 1e9. At
    least 152 of the hours (nine in ten) must be there.
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

days as (
    select
        asset,
        date,
        sum(abs(log_return) / volume_usd) as impact_sum,
        count(abs(log_return) / volume_usd) as hour_count,
        max(available_at) as available_at
    from candles
    where volume_usd > 0
    group by asset, date
),

windows as (
    select
        asset,
        date,
        sum(impact_sum) over last_week as impact_sum,
        sum(hour_count) over last_week as hour_count,
        max(available_at) over last_week as available_at
    from days
    window last_week as (partition by asset order by date range between interval '6 days' preceding and current row)
),

per_asset as (
    select
        asset,
        date,
        case when hour_count >= 152 then 1e9 * impact_sum / hour_count end as amihud,
        available_at
    from windows
),

final as (
    {{ weighted_over_assets("per_asset", "amihud") }}
)

select * from final
