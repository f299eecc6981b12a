{#
    L5 where no quotes are held: the bid-ask spread that the highs and lows of consecutive hours betray (Corwin-Schultz,
    macros/spread.sql), mean over the day, in basis points. A day needs 20 pairs of hours.
#}
with candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

estimates as (
    select
        asset,
        date,
        {{ corwin_schultz_ratio("high_usd", "low_usd", "previous_high_usd", "previous_low_usd") }} as spread_ratio,
        available_at
    from candles
    where previous_high_usd is not null and previous_low_usd > 0
),

per_asset as (
    select
        asset,
        date,
        case when count(*) >= 20 then 1e4 * avg(spread_ratio) end as spread_bp,
        max(available_at) as available_at
    from estimates
    group by asset, date
),

final as (
    {{ weighted_over_assets("per_asset", "spread_bp") }}
)

select * from final
