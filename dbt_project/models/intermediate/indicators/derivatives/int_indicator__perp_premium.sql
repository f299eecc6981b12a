{#
    D9 by asset: premium of the perpetual's mark price over its index, mean of the hours of a day, in basis points; negative
    is a discount. The archive of open interest states it in coins and in dollars of the mark price, so their ratio is the
    mark at that instant. Against it stands the index of that instant, and where the index is not held the last spot trade
    of the same venue. Twenty hours must be there.
#}
with open_interest as (
    select * from {{ ref("int_open_interest_hourly") }}
    where open_interest_coin > 0 and open_interest_usd > 0
),

index_candles as (
    select * from {{ ref("stg_binance_vision__um_index_klines") }}
    where close_price > 0 and extract(minute from opened_at) = 55
),

spot as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

hours as (
    select
        open_interest.asset,
        open_interest.date,
        1e4 * (
            open_interest.open_interest_usd / open_interest.open_interest_coin
            / coalesce(index_candles.close_price, spot.close_usd) - 1
        ) as premium_bp,
        greatest(
            open_interest.available_at,
            case when index_candles.close_price is not null then index_candles.available_at else spot.available_at end
        ) as available_at
    from open_interest
    left join index_candles
        on
            open_interest.symbol = index_candles.symbol
            and open_interest.hour_started_at = date_trunc('hour', index_candles.opened_at)
    left join spot on open_interest.asset = spot.asset and open_interest.hour_started_at = spot.opened_at
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when count(premium_bp) >= 20 then avg(premium_bp) end as value,
        max(available_at) as available_at
    from hours
    where premium_bp is not null
    group by date, asset
)

select * from final
