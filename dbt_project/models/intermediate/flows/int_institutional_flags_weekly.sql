{#
    What of the six signs of institutional buying was known at the cut-off of each Sunday (C5): one row per week and
    flag, each with its own lag. A flag reads the newest figure known by then; a figure older than the flag allows is
    missing.
#}
with funds as (
    select * from {{ ref("int_etf_flow_sessions") }}
    where asset = 'btc'
),

asset_managers as (
    select * from {{ ref("int_indicator__tff_asset_manager_net_coin") }}
    where scope = 'btc'
),

treasuries as (
    select * from {{ ref("int_indicator__dat_net_buy_btc_w") }}
),

premiums as (
    select * from {{ ref("int_indicator__coinbase_premium_bp") }}
    where scope = 'btc'
),

stablecoins as (
    select * from {{ ref("int_indicator__stable_supply_contraction_30d") }}
),

holders as (
    select * from {{ ref("int_lth_distribution") }}
    where definition = 'net_155d_bgeometrics'
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

flags as (
    select * from {{ ref("institutional_flags") }}
),

fund_readings as (
    select
        session_date as observed_date,
        case when count(net_flow_usd) over last_twenty = 20 then sum(net_flow_usd) over last_twenty end as value,
        max(available_at) over last_twenty as available_at
    from funds
    window last_twenty as (order by session_number range between 19 preceding and current row)
),

-- Reports are mostly of Tuesdays; around holidays the day moves, so four weeks are 26 to 30 days.
asset_manager_readings as (
    select
        later.observed_date,
        later.value - {{ value_at_max("earlier.value", "earlier.observed_date") }} as value,
        greatest(max(later.available_at), max(earlier.available_at)) as available_at
    from asset_managers as later
    inner join asset_managers as earlier
        on
            earlier.observed_date <= {{ days_before("later.observed_date", 26) }}
            and earlier.observed_date >= {{ days_before("later.observed_date", 30) }}
    group by later.observed_date, later.value
),

company_weeks as (
    select
        scope,
        observed_date,
        case when count(value) over last_four = 4 then sum(value) over last_four end as value,
        max(available_at) over last_four as available_at
    from treasuries
    window last_four as (
        partition by scope order by observed_date range between interval '27 days' preceding and current row
    )
),

treasury_readings as (
    select
        observed_date,
        case when count(*) = count(value) then sum(value) end as value,
        max(available_at) as available_at
    from company_weeks
    group by observed_date
),

premium_readings as (
    select
        observed_date,
        case when count(value) over last_week = 7 then avg(value) over last_week end as value,
        max(available_at) over last_week as available_at
    from premiums
    window last_week as (order by observed_date range between interval '6 days' preceding and current row)
),

readings as (
    select 'etf_flow_20s' as flag, observed_date, value, available_at from fund_readings
    union all
    select 'asset_manager_net_4w' as flag, observed_date, value, available_at from asset_manager_readings
    union all
    select 'treasury_net_buy_4w' as flag, observed_date, value, available_at from treasury_readings
    union all
    select 'coinbase_premium_7d' as flag, observed_date, value, available_at from premium_readings
    union all
    select 'stable_supply_30d' as flag, observed_date, -value as value, available_at from stablecoins
    union all
    select 'lth_supply_30d' as flag, date as observed_date, -distributed_30d_btc as value, available_at from holders
),

known as (
    select * from readings
    where value is not null and available_at is not null
),

days as (
    {{ date_rows("(select min(observed_date) from known)", "(select last_closed_date from market)") }}
),

weeks as (
    select date as week_ended_on from days
    where {{ iso_weekday("date") }} = 7
),

newest as (
    select
        weeks.week_ended_on,
        flags.flag,
        max(known.observed_date) as observed_date,
        {{ value_at_max("known.value", "known.observed_date") }} as value
    from weeks
    cross join flags
    left join known
        on
            flags.flag = known.flag
            and known.observed_date <= weeks.week_ended_on
            and known.observed_date >= cast(weeks.week_ended_on - flags.max_age_days * interval '1 day' as date)
            and known.available_at <= {{ cutoff("weeks.week_ended_on") }}
    group by weeks.week_ended_on, flags.flag
),

final as (
    select
        newest.week_ended_on,
        newest.flag,
        newest.observed_date,
        newest.value,
        newest.value > 0 as is_positive
    from newest
)

select * from final
