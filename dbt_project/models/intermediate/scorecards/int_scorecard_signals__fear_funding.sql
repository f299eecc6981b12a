{#
    R4: fear and negative funding on the same day, as known at its cut-off. Funding is that of our own venues, as in
    fct_fear_funding_signals, and the vendor's for a warehouse that has none of its own. The first day of a spell gives
    the signal, and the rules' evaluation lets 14 days pass before the next; days within a spell stand in for none.
#}
with fear as (
    select
        date,
        100.0 - value as fear_greed_index
    from {{ ref("int_scorecard_predictors") }}
    where predictor = 'fear_greed_reversed'
),

own_funding as (
    select
        date,
        funding_8h_ratio as funding_rate,
        available_at
    from {{ ref("int_funding_daily") }}
    where funding_8h_ratio is not null
),

vendor_funding as (
    select
        date,
        funding_rate_pct / 100.0 as funding_rate,
        available_at
    from {{ ref("stg_coinglass__funding_rates") }}
    where asset = 'btc' and funding_rate_pct is not null
),

own_count as (
    select count(*) as day_count from own_funding
),

funding as (
    select * from own_funding
    union all
    select vendor_funding.*
    from vendor_funding
    cross join own_count
    where own_count.day_count < 365
),

variants as (
    select * from {{ ref("rule_variants") }}
    where rule = 'R4'
),

means as (
    select
        date,
        {% for days in [1, 3, 7] %}
        case when count(*) over last_{{ days }} = {{ days }} then avg(funding_rate) over last_{{ days }} end as mean_{{ days }}d,
        {% endfor %}
        max({{ usable_date("available_at") }}) over last_7 as usable_date
    from funding
    window
        {% for days in [1, 3, 7] %}
        last_{{ days }} as (order by date range between interval '{{ days - 1 }} days' preceding and current row)
        {{- "," if not loop.last }}
        {% endfor %}
),

-- A day may use the newest means that its cut-off knew.
known as (
    select
        usable_date,
        max(date) as date
    from means
    group by usable_date
),

judged as (
    select
        variants.rule,
        variants.variant,
        fear.date,
        fear.fear_greed_index <= variants.fear_at_most as is_fear,
        case variants.funding_days when 1 then means.mean_1d when 3 then means.mean_3d else means.mean_7d end as funding_rate
    from fear
    inner join known on fear.date = known.usable_date
    inner join means on known.date = means.date
    cross join variants
),

met as (
    select
        rule,
        variant,
        date,
        is_fear and funding_rate < 0 as is_met
    from judged
    where funding_rate is not null
),

final as (
    select
        rule,
        variant,
        date,
        is_met and not coalesce(lag(is_met) over (partition by variant order by date), false) as is_signal,
        not is_met as is_in_population
    from met
)

select * from final
