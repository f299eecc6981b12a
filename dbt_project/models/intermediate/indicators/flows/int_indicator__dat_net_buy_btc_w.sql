{#
    F8: Bitcoin a company reported to have bought, less sold, in a week from Monday to Sunday. A week without a report is
    zero only where the reports around it follow from each other and the source has been read past it. A week is known a
    day and a half after it ended, when its Sunday's reports are in.
#}
with reports as (
    select * from {{ ref("int_treasury_reports") }}
),

landings as (
    select * from {{ ref("stg_ops__landings") }}
    where table_name = 'sosovalue__treasury_purchases' and status in ('landed', 'unchanged')
),

source_read as (
    select {{ utc_date("max(window_ended_at)") }} as read_until_date from landings
),

days as (
    {{ date_rows("(select min(reported_on) from reports)", "(select read_until_date from source_read)") }}
),

weeks as (
    select
        {{ days_before("days.date", 6) }} as week_started_on,
        days.date as week_ended_on,
        companies.ticker
    from days
    inner join source_read on days.date < source_read.read_until_date
    inner join (select distinct ticker, first_reported_on from reports) as companies
        on {{ days_before("days.date", 6) }} >= companies.first_reported_on
    where {{ iso_weekday("days.date") }} = 7
),

holes as (
    select * from reports
    where not is_complete
),

final as (
    select
        weeks.week_ended_on as observed_date,
        lower(weeks.ticker) as scope,
        case when count(holes.ticker) = 0 then coalesce(sum(reports.net_purchase_btc), 0) end as value,
        greatest(
            max(reports.available_at), cast(weeks.week_ended_on as timestamp with time zone) + interval '36 hours'
        ) as available_at
    from weeks
    left join reports
        on
            weeks.ticker = reports.ticker
            and reports.reported_on between weeks.week_started_on and weeks.week_ended_on
    left join holes
        on
            weeks.ticker = holes.ticker
            and weeks.week_ended_on > holes.previous_reported_on
            and weeks.week_started_on < holes.reported_on
    group by weeks.week_ended_on, weeks.ticker
)

select * from final
