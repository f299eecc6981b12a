{#
    Every dollar coin by day: how far below a dollar it was across the market and at its worst venue, and what that
    makes it. Days begin with the coin's first price and end with the last whole day.
#}
with periods as (
    select * from {{ ref("int_stablecoin_deviations") }}
),

coins as (
    select * from {{ ref("stablecoins") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

supply as (
    select * from {{ ref("int_stablecoins_daily") }}
),

-- A day without a shortfall has no worst venue; of those that tie, the first by name stands for them.
ranked as (
    select
        *,
        coalesce(worst_bp, worst_quote_bp) as shortfall_bp,
        max(coalesce(worst_bp, worst_quote_bp)) over (partition by symbol, date) as deepest_bp
    from periods
),

days as (
    select
        periods.symbol,
        periods.date,
        sum(case when periods.venue_count > 0 then 1 else 0 end) as venue_hour_count,
        max(periods.venue_count) as venue_count,
        -- A vendor's average in one hour makes the day's figure one that hangs on it.
        min(coalesce(periods.market_basis, 'none')) as market_basis,
        min(periods.market_price_usd) as market_price_low_usd,
        max(periods.market_bp) as market_bp,
        max(periods.worst_hour_bp) as worst_hour_bp,
        max(periods.worst_bp) as worst_bp,
        max(periods.worst_quote_bp) as worst_quote_bp,
        min(
            case
                when periods.shortfall_bp = periods.deepest_bp and periods.deepest_bp > 0 then periods.worst_venue
            end
        ) as worst_venue,
        sum(case when periods.market_bp > 50 then periods.period_hours else 0 end) as over_50bp_hours,
        sum(case when periods.worst_hour_bp > 50 then periods.period_hours else 0 end) as venue_over_50bp_hours,
        count(periods.market_bp) as known_count,
        count(*) as period_count,
        sum(case when periods.is_venue_local then 1 else 0 end) as venue_local_count,
        sum(case when periods.is_venue_local is null then 1 else 0 end) as undecided_count,
        max(periods.available_at) as available_at
    from ranked as periods
    inner join market on periods.date <= market.last_closed_date
    group by periods.symbol, periods.date
),

judged as (
    select
        days.*,
        {{ depeg_level("market_bp", "market_bp") }} as level,
        {{ depeg_level("worst_hour_bp", "worst_bp") }} as venue_level,
        case
            when venue_local_count > 0 then true
            when undecided_count = 0 then false
        end as is_venue_local
    from days
),

final as (
    select
        judged.date,
        judged.symbol,
        coins.backing,
        judged.level,
        judged.venue_level,
        judged.is_venue_local,
        case
            when judged.level in ('watch', 'depeg', 'break') then 'market'
            when judged.is_venue_local then 'venue_local'
            when judged.level is null or judged.known_count < judged.period_count then 'unknown'
            when judged.venue_level in ('watch', 'depeg', 'break') then 'venue_minor'
            else 'at_peg'
        end as state,
        judged.market_price_low_usd,
        judged.market_basis,
        judged.market_bp as deviation_median_bp,
        judged.worst_bp as deviation_worst_bp,
        judged.worst_quote_bp as deviation_worst_quote_bp,
        judged.worst_venue,
        cast(
            case when judged.known_count = judged.period_count then judged.over_50bp_hours end as bigint
        ) as over_50bp_hours,
        cast(
            case when judged.worst_hour_bp is not null then judged.venue_over_50bp_hours end as bigint
        ) as venue_over_50bp_hours,
        judged.venue_count,
        cast(judged.venue_hour_count as bigint) as venue_hour_count,
        supply.circulating_units,
        100.0 * (supply.circulating_units / nullif(yesterday.circulating_units, 0.0) - 1.0) as supply_change_1d_pct,
        case
            when judged.known_count < judged.period_count
                then 'fewer than three venues, and no price of the vendor for the day'
            when judged.worst_quote_bp is not null and judged.worst_bp is null
                then 'the coin the venue quotes in has no rate in dollars'
        end as missing_reason,
        greatest(judged.available_at, supply.supply_available_at) as available_at
    from judged
    inner join coins on judged.symbol = coins.symbol
    left join supply on judged.symbol = supply.symbol and judged.date = supply.date
    left join supply as yesterday
        on judged.symbol = yesterday.symbol and {{ days_before("judged.date", 1) }} = yesterday.date
)

select * from final
