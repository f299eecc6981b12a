{#
    F8: Bitcoin a company reported to have bought, less sold, in a week from Monday to Sunday, known a day and a half
    after the week ended. Silence is not zero: a week without a report is zero from the instant a later statement of the
    company's coins, the next report's or its own dashboard's, shows that none had moved. Until then it has no value.
#}
with purchases as (
    select * from {{ ref("stg_sosovalue__treasury_purchases") }}
),

dashboards as (
    select * from {{ ref("stg_strategy__bitcoin_kpis") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

reports as (
    select
        *,
        min(reported_on) over (partition by ticker) as first_reported_on,
        lead(reported_on) over (partition by ticker order by reported_on) as next_reported_on
    from purchases
),

statements as (
    select
        ticker,
        reported_on as stated_on,
        holdings_btc - net_purchase_btc as holdings_btc,
        available_at
    from purchases
    union all
    select
        company as ticker,
        {{ utc_date("observed_at") }} as stated_on,
        holdings_btc,
        available_at
    from dashboards
),

-- To the end of the week of the last statement.
days as (
    {{ date_rows(
        "(select min(reported_on) from purchases)",
        "(select cast(max(stated_on) + interval '6 days' as date) from statements)",
    ) }}
),

-- Each week that is over, with the last report by its end.
weeks as (
    select
        {{ days_before("days.date", 6) }} as week_started_on,
        days.date as week_ended_on,
        reports.ticker,
        reports.holdings_btc,
        reports.next_reported_on
    from days
    inner join reports
        on
            reports.reported_on <= days.date
            and (reports.next_reported_on > days.date or reports.next_reported_on is null)
            and reports.first_reported_on <= {{ days_before("days.date", 6) }}
    inner join market on days.date < market.last_closed_date
    where {{ iso_weekday("days.date") }} = 7
),

reported as (
    select
        weeks.ticker,
        weeks.week_ended_on,
        case when count(*) = count(purchases.net_purchase_btc) then sum(purchases.net_purchase_btc) end as net_buy_btc,
        max(purchases.available_at) as available_at
    from weeks
    inner join purchases
        on
            weeks.ticker = purchases.ticker
            and purchases.reported_on between weeks.week_started_on and weeks.week_ended_on
    group by weeks.ticker, weeks.week_ended_on
),

-- Coins unchanged within a thousandth, for the vendors round.
confirmed as (
    select
        weeks.ticker,
        weeks.week_ended_on,
        min(statements.available_at) as available_at
    from weeks
    inner join statements
        on
            weeks.ticker = statements.ticker
            and statements.stated_on > weeks.week_ended_on
            and (statements.stated_on <= weeks.next_reported_on or weeks.next_reported_on is null)
            and abs(statements.holdings_btc - weeks.holdings_btc) <= 0.001 * weeks.holdings_btc
    group by weeks.ticker, weeks.week_ended_on
),

final as (
    select
        weeks.week_ended_on as observed_date,
        lower(weeks.ticker) as scope,
        case
            when reported.ticker is not null then reported.net_buy_btc
            when confirmed.ticker is not null then 0.0
        end as value,
        greatest(
            case when reported.ticker is not null then reported.available_at else confirmed.available_at end,
            cast(weeks.week_ended_on as timestamp with time zone) + interval '36 hours'
        ) as available_at
    from weeks
    left join reported on weeks.ticker = reported.ticker and weeks.week_ended_on = reported.week_ended_on
    left join confirmed on weeks.ticker = confirmed.ticker and weeks.week_ended_on = confirmed.week_ended_on
)

select * from final
