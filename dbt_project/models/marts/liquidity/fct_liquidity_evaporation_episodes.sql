{#
    C3: times at which the book was all but gone. An episode runs from the first hour that counts as evaporated to the
    first in which Binance holds 70 % of its norm again; relapses before that belong to it.
#}
with hours as (
    select * from {{ ref("int_depth_evaporation_hourly") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
),

prices as (
    select * from {{ ref("int_spot_venue_prices_hourly") }}
    where venue in ('binance', 'bitstamp', 'coinbase')
),

quotes as (
    select * from {{ ref("int_kraken_quotes_hourly") }}
),

-- An hour belongs to the spell that the recovered hours before it have not ended; the hour that ends it is its last.
numbered as (
    select
        *,
        coalesce(sum(case when is_recovered then 1 else 0 end) over earlier, 0) as spell
    from hours
    window earlier as (
        partition by asset order by hour_started_at rows between unbounded preceding and 1 preceding
    )
),

starts as (
    select
        asset,
        spell,
        min(hour_started_at) as started_at,
        min(available_at) as first_available_at
    from numbered
    where is_evaporated
    group by asset, spell
),

spans as (
    select
        numbered.*,
        starts.started_at,
        starts.first_available_at
    from numbered
    inner join starts on numbered.asset = starts.asset and numbered.spell = starts.spell
    where numbered.hour_started_at >= starts.started_at
),

episodes as (
    select
        asset,
        started_at,
        first_available_at,
        min(case when is_recovered then hour_started_at end) as recovered_at,
        max(case when is_evaporated then hour_started_at end) as last_evaporated_at,
        max(hour_started_at) as last_hour_at,
        {{ value_at_max("hour_started_at", "-low_1pct_ratio") }} as thinnest_at,
        {{ value_at_max("low_1pct_usd", "-low_1pct_ratio") }} as lowest_depth_1pct_usd,
        min(low_1pct_ratio) as lowest_1pct_ratio,
        min(low_bid_ratio) as lowest_bid_1pct_ratio,
        min(low_ask_ratio) as lowest_ask_1pct_ratio,
        min(low_4pct_ratio) as lowest_4pct_ratio,
        sum(case when is_evaporated then 1 else 0 end) as evaporated_hours,
        sum(case when is_evaporated and low_bid_ratio < 0.3 and low_ask_ratio >= 0.3 then 1 else 0 end)
            as bid_only_hours,
        sum(case when is_evaporated and low_ask_ratio < 0.3 and low_bid_ratio >= 0.3 then 1 else 0 end)
            as ask_only_hours,
        count(low_1pct_ratio) as measured_hours,
        max(thin_venue_count) as most_thin_venues_count,
        max(binance_is_thin) as binance_was_thin,
        max(kraken_is_thin) as kraken_was_thin,
        max(okx_is_thin) as okx_was_thin,
        max(case when is_thin_on_two then 1 else 0 end) as was_thin_on_two,
        max(case when is_thin_at_4pct then 1 else 0 end) as was_thin_at_4pct,
        max(available_at) as available_at
    from spans
    group by asset, started_at, first_available_at
),

-- The fall is measured from the open of the first hour: the hour that evaporates is the hour that falls.
moves as (
    select
        episodes.asset,
        episodes.started_at,
        max(case when candles.opened_at = episodes.started_at then candles.open_usd end) as open_usd,
        min(candles.low_usd) as low_usd,
        max(candles.available_at) as available_at
    from episodes
    inner join candles
        on episodes.asset = candles.asset
        and candles.opened_at >= episodes.started_at
        and candles.opened_at <= episodes.last_hour_at
    group by episodes.asset, episodes.started_at
),

dispersions as (
    select
        asset,
        opened_at,
        1e4 * (max(close_usd) - min(close_usd)) / {{ median_of("close_usd") }} as dispersion_bp,
        max(available_at) as available_at
    from prices
    group by asset, opened_at
    having count(*) = 3
),

worst_dispersions as (
    select
        episodes.asset,
        episodes.started_at,
        max(dispersions.dispersion_bp) as dispersion_bp,
        max(dispersions.available_at) as available_at
    from episodes
    inner join dispersions
        on episodes.asset = dispersions.asset
        and dispersions.opened_at >= episodes.started_at
        and dispersions.opened_at <= episodes.last_hour_at
    group by episodes.asset, episodes.started_at
),

worst_slips as (
    select
        episodes.asset,
        episodes.started_at,
        max(quotes.slip_1m_bp) as slip_1m_bp,
        sum(case when quotes.is_fillable then 0 else 1 end) as unfillable_hours,
        max(quotes.fill_available_at) as available_at
    from episodes
    inner join quotes
        on episodes.asset = quotes.asset
        and quotes.hour_started_at >= episodes.started_at
        and quotes.hour_started_at <= episodes.last_hour_at
    where quotes.is_fillable is not null
    group by episodes.asset, episodes.started_at
),

final as (
    select
        episodes.asset,
        episodes.started_at,
        episodes.first_available_at as known_at,
        episodes.thinnest_at,
        episodes.last_evaporated_at,
        episodes.recovered_at,
        episodes.recovered_at is null as is_open,
        case
            when episodes.was_thin_on_two = 1 then '1pct_two_venues'
            when episodes.was_thin_at_4pct = 1 then '4pct'
            else '1pct_only_venue_held'
        end as basis,
        episodes.was_thin_on_two = 1 or episodes.was_thin_at_4pct = 1 as is_confirmed,
        case
            when episodes.binance_was_thin + episodes.kraken_was_thin + episodes.okx_was_thin = 0 then 'binance'
            else replace(trim(
                case when episodes.binance_was_thin = 1 then 'binance ' else '' end
                || case when episodes.kraken_was_thin = 1 then 'kraken ' else '' end
                || case when episodes.okx_was_thin = 1 then 'okx' else '' end
            ), ' ', ', ')
        end as venues,
        cast(episodes.most_thin_venues_count as integer) as most_thin_venues_count,
        cast(episodes.evaporated_hours as integer) as evaporated_hours,
        cast(episodes.bid_only_hours as integer) as bid_only_hours,
        cast(episodes.ask_only_hours as integer) as ask_only_hours,
        {{ hours_between("episodes.thinnest_at", "episodes.recovered_at") }} as recovery_hours,
        cast({{ hours_between("episodes.started_at", "episodes.last_hour_at") }} + 1 as integer) as span_hours,
        cast(episodes.measured_hours as integer) as measured_hours,
        episodes.lowest_depth_1pct_usd,
        episodes.lowest_1pct_ratio,
        episodes.lowest_bid_1pct_ratio,
        episodes.lowest_ask_1pct_ratio,
        episodes.lowest_4pct_ratio,
        100.0 * (1 - moves.low_usd / moves.open_usd) as largest_fall_pct,
        worst_dispersions.dispersion_bp as worst_dispersion_bp,
        worst_slips.slip_1m_bp as worst_slip_1m_bp,
        cast(worst_slips.unfillable_hours as integer) as unfillable_hours,
        greatest(
            episodes.available_at,
            coalesce(moves.available_at, episodes.available_at),
            coalesce(worst_dispersions.available_at, episodes.available_at),
            coalesce(worst_slips.available_at, episodes.available_at)
        ) as available_at
    from episodes
    left join moves on episodes.asset = moves.asset and episodes.started_at = moves.started_at
    left join worst_dispersions
        on episodes.asset = worst_dispersions.asset and episodes.started_at = worst_dispersions.started_at
    left join worst_slips on episodes.asset = worst_slips.asset and episodes.started_at = worst_slips.started_at
)

select * from final
