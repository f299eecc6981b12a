{#
    Premium of the perpetual's mark price over its index by asset and hour, in basis points; negative is a discount. The
    archive of open interest states it in coins and in dollars of the mark price, so their ratio is the mark at that instant.
    Against it stands the index of that instant, and where the index is not held the last spot trade of the same venue.
#}
{% macro perp_premium_hours(open_interest, index_candles, spot) -%}
    select
        open_interest.asset,
        open_interest.date,
        open_interest.hour_started_at,
        1e4 * (
            open_interest.open_interest_usd / open_interest.open_interest_coin
            / coalesce(index_candles.close_price, spot.close_usd) - 1
        ) as premium_bp,
        greatest(
            open_interest.available_at,
            case when index_candles.close_price is not null then index_candles.available_at else spot.available_at end
        ) as available_at
    from {{ open_interest }} as open_interest
    left join {{ index_candles }} as index_candles
        on
            open_interest.symbol = index_candles.symbol
            and open_interest.hour_started_at = date_trunc('hour', index_candles.opened_at)
    left join {{ spot }} as spot
        on open_interest.asset = spot.asset and open_interest.hour_started_at = spot.opened_at
{%- endmacro %}
