{#
    Days on which, by rule R4, selling pressure would be near its end: fear and greed at or below a threshold while funding,
    weighted by open interest, is below zero on the mean of its window. The first day of a spell only, and none within 14 days
    of the signal before. Nine variants are fixed beforehand, so that a test of them can correct for being nine; the one of
    20 and three days is the rule. A day is judged by what was usable at its cut-off, both figures no older than two days. Funding is that of the keyless
    panel and, beside it, the vendor's, which has the longer record of real markets; the two are never mixed.
#}
with recursive fear as (
    select
        {{ usable_date("available_at") }} as date,
        max(date) as fear_date
    from {{ ref("stg_alternative_me__fear_greed") }}
    where fear_greed_index is not null
    group by {{ usable_date("available_at") }}
),

fear_values as (
    select
        fear.date,
        series.date as fear_date,
        series.fear_greed_index,
        series.available_basis,
        series.available_at
    from fear
    inner join {{ ref("stg_alternative_me__fear_greed") }} as series on fear.fear_date = series.date
),

vendor_readings as (
    select
        rates.asset,
        rates.date,
        rates.funding_rate_pct / 100.0 as funding_8h_ratio,
        open_interest.open_interest_usd,
        greatest(rates.available_at, open_interest.available_at) as available_at
    from {{ ref("stg_coinglass__funding_rates") }} as rates
    inner join {{ ref("assets") }} as assets on rates.asset = assets.asset
    inner join {{ ref("stg_coinglass__open_interest") }} as open_interest
        on rates.asset = open_interest.asset and rates.date = open_interest.date
    where rates.funding_rate_pct is not null and open_interest.open_interest_usd > 0
),

-- Every asset that the vendor has begun with must be there.
vendor_panel as (
    select asset, min(date) as entered_on from vendor_readings group by asset
),

vendor as (
    select
        days.date,
        sum(vendor_readings.funding_8h_ratio * vendor_readings.open_interest_usd)
        / sum(vendor_readings.open_interest_usd) as funding_8h_ratio,
        max(vendor_readings.available_at) as available_at
    from (select distinct date from vendor_readings) as days
    inner join vendor_panel on days.date >= vendor_panel.entered_on
    left join vendor_readings
        on vendor_panel.asset = vendor_readings.asset and days.date = vendor_readings.date
    group by days.date
    having count(*) = count(vendor_readings.asset)
),

funding as (
    select 'panel' as funding_source, date, funding_8h_ratio, available_at from {{ ref("int_funding_daily") }}
    union all
    select 'coinglass', date, funding_8h_ratio, available_at from vendor
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

thresholds as (
    select 25 as fear_threshold
    union all
    select 20
    union all
    select 15
),

windows as (
    {% for days in [1, 3, 7] %}
    select
        funding_source,
        {{ days }} as window_day_count,
        date as funding_date,
        case
            when count(funding_8h_ratio) over last_{{ days }} = {{ days }} then 1e4 * avg(funding_8h_ratio) over last_{{ days }}
        end as funding_bp,
        max(available_at) over last_{{ days }} as available_at
    from funding
    window last_{{ days }} as (
        partition by funding_source order by date range between interval '{{ days - 1 }} days' preceding and current row
    )
    {{ "union all" if not loop.last }}
    {% endfor %}
),

ranked_windows as (
    select
        *,
        {{ usable_date("available_at") }} as date,
        row_number() over (
            partition by funding_source, window_day_count, {{ usable_date("available_at") }} order by funding_date desc
        ) as recency
    from windows
    where funding_bp is not null
),

-- Each day that a window of funding became usable, with the newest fear and greed of then.
judged as (
    select
        ranked_windows.funding_source,
        ranked_windows.window_day_count,
        thresholds.fear_threshold,
        ranked_windows.date,
        ranked_windows.funding_date,
        ranked_windows.funding_bp,
        fear_values.fear_date,
        fear_values.fear_greed_index,
        fear_values.available_basis,
        greatest(ranked_windows.available_at, fear_values.available_at) as available_at,
        fear_values.fear_greed_index <= thresholds.fear_threshold and ranked_windows.funding_bp < 0 as is_met,
        row_number() over (
            partition by
                ranked_windows.funding_source,
                ranked_windows.window_day_count,
                thresholds.fear_threshold,
                ranked_windows.date
            order by fear_values.date desc
        ) as fear_recency
    from ranked_windows
    inner join market on ranked_windows.date <= market.last_closed_date
    inner join fear_values
        on
            fear_values.date <= ranked_windows.date
            and fear_values.date > {{ days_before("ranked_windows.date", 3) }}
            and fear_values.fear_date > {{ days_before("ranked_windows.date", 2) }}
    cross join thresholds
    where ranked_windows.recency = 1 and ranked_windows.funding_date > {{ days_before("ranked_windows.date", 3) }}
),

spells as (
    select
        *,
        coalesce(
            lag(is_met) over (partition by funding_source, window_day_count, fear_threshold order by date), false
        ) as was_met
    from judged
    where fear_recency = 1
),

starts as (
    select * from spells
    where is_met and not was_met
),

picks as (
    select
        funding_source,
        window_day_count,
        fear_threshold,
        min(date) as date
    from starts
    group by funding_source, window_day_count, fear_threshold
    union all
    select
        picks.funding_source,
        picks.window_day_count,
        picks.fear_threshold,
        min(starts.date) as date
    from picks
    inner join starts
        on
            picks.funding_source = starts.funding_source
            and picks.window_day_count = starts.window_day_count
            and picks.fear_threshold = starts.fear_threshold
            and starts.date > picks.date + interval '14 days'
    group by picks.funding_source, picks.window_day_count, picks.fear_threshold
),

final as (
    select
        starts.date,
        'fear_' || starts.fear_threshold || '_funding_' || starts.window_day_count || 'd' as variant,
        starts.fear_threshold = 20 and starts.window_day_count = 3 as is_the_rule,
        cast(starts.fear_threshold as integer) as fear_threshold_index,
        cast(starts.window_day_count as integer) as funding_window_day_count,
        starts.fear_date,
        cast(starts.fear_greed_index as integer) as fear_greed_index,
        case when starts.available_basis = 'observed' then 'observed' else 'vendor history' end as fear_greed_basis,
        starts.funding_source,
        starts.funding_date,
        starts.funding_bp as funding_8h_bp,
        starts.available_at
    from picks
    inner join starts
        on
            picks.funding_source = starts.funding_source
            and picks.window_day_count = starts.window_day_count
            and picks.fear_threshold = starts.fear_threshold
            and picks.date = starts.date
)

select * from final
