with market as (
    select * from {{ ref("stg_ops__market") }}
),

holidays as (
    select * from {{ ref("nyse_holidays") }}
),

days as (
    {{ date_rows("date '2015-01-01'", "(select " ~ utc_date("now_at") ~ " from market)") }}
),

final as (
    select
        days.date as session_date,
        row_number() over (order by days.date) as session_number,
        {{ new_york_instant("days.date", "16:00") }} as closed_at
    from days
    left join holidays on days.date = holidays.holiday_date
    where {{ iso_weekday("days.date") }} <= 5 and holidays.holiday_date is null
)

select * from final
