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
    {{ perp_premium_hours("open_interest", "index_candles", "spot") }}
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
