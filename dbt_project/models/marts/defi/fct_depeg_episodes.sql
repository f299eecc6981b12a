{#
    Times a dollar coin was off its peg. A period counts when the coin is 25 basis points short across the market, or a
    hundred at one venue. Periods with less than a day between them are one episode; it is over when a day has passed.
#}
with periods as (
    select * from {{ ref("int_stablecoin_deviations") }}
),

coins as (
    select * from {{ ref("stablecoins") }}
),

supply as (
    select * from {{ ref("int_stablecoins_daily") }}
),

reach as (
    select
        symbol,
        max(ended_at) as read_until
    from periods
    group by symbol
),

off_peg as (
    select
        *,
        lag(ended_at) over (partition by symbol order by started_at) as previous_ended_at
    from periods
    where market_bp >= 25 or coalesce(worst_bp, worst_quote_bp) >= 100
),

numbered as (
    select
        *,
        sum(case when started_at <= previous_ended_at + interval '1 day' then 0 else 1 end) over (
            partition by symbol order by started_at rows unbounded preceding
        ) as episode_number
    from off_peg
),

ranked as (
    select
        *,
        coalesce(worst_bp, worst_quote_bp) as venue_bp,
        max(coalesce(worst_bp, worst_quote_bp)) over (partition by symbol, episode_number) as deepest_venue_bp,
        greatest(market_bp, coalesce(worst_bp, worst_quote_bp)) as shortfall_bp,
        max(greatest(market_bp, coalesce(worst_bp, worst_quote_bp))) over (
            partition by symbol, episode_number
        ) as deepest_bp
    from numbered
),

episodes as (
    select
        symbol,
        episode_number,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        min(date) as first_date,
        max(date) as last_date,
        sum(period_hours) as off_peg_hours,
        min(case when shortfall_bp = deepest_bp then started_at end) as trough_at,
        min(market_price_usd) as market_price_low_usd,
        max(market_bp) as market_bp,
        max(worst_hour_bp) as worst_hour_bp,
        max(worst_bp) as worst_bp,
        max(worst_quote_bp) as worst_quote_bp,
        min(case when venue_bp = deepest_venue_bp then worst_venue end) as worst_venue,
        max(venue_count) as venue_count,
        min(coalesce(market_basis, 'none')) as market_basis,
        sum(case when is_venue_local then 1 else 0 end) as venue_local_count,
        sum(case when is_venue_local is null then 1 else 0 end) as undecided_count,
        count(market_bp) as known_count,
        count(*) as period_count,
        max(available_at) as available_at
    from ranked
    group by symbol, episode_number
),

judged as (
    select
        *,
        case
            when known_count < period_count then null
            -- Below half a per cent across the market, whatever one venue printed was that venue's own.
            when venue_local_count > 0 and market_bp < 50 then true
            when undecided_count = 0 then false
        end as is_venue_local
    from episodes
),

final as (
    select
        judged.symbol,
        judged.started_at,
        judged.ended_at,
        reach.read_until > judged.ended_at + interval '1 day' as is_over,
        coins.backing,
        case
            when judged.is_venue_local then 'venue_local'
            when judged.market_bp >= 25 then 'market'
            when judged.known_count < judged.period_count then 'unknown'
            else 'venue_minor'
        end as classification,
        judged.is_venue_local,
        {{ depeg_level("judged.market_bp", "judged.market_bp") }} as level,
        {{ depeg_level("judged.worst_hour_bp", "judged.worst_bp") }} as venue_level,
        judged.trough_at,
        cast(judged.off_peg_hours as bigint) as off_peg_hours,
        judged.market_price_low_usd,
        judged.market_basis,
        judged.market_bp as deviation_median_bp,
        judged.worst_bp as deviation_worst_bp,
        judged.worst_quote_bp as deviation_worst_quote_bp,
        judged.worst_venue,
        judged.venue_count,
        100.0 * (later.circulating_units / nullif(earlier.circulating_units, 0.0) - 1.0) as supply_change_pct,
        greatest(judged.available_at, later.supply_available_at) as available_at
    from judged
    inner join coins on judged.symbol = coins.symbol
    inner join reach on judged.symbol = reach.symbol
    left join supply as earlier
        on judged.symbol = earlier.symbol and {{ days_before("judged.first_date", 1) }} = earlier.date
    left join supply as later
        on judged.symbol = later.symbol and cast(judged.last_date + interval '1 day' as date) = later.date
)

select * from final
