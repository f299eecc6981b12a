{#
    Events of each label set: days on which its rule is met belong to one event while no more than 14 days lie between
    two of them; the onset is the first.
#}
with triggers as (
    select * from {{ ref("int_scorecard_triggers") }}
    where is_trigger
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

gaps as (
    select
        *,
        lag(date) over (partition by label_set order by date) as previous_date
    from triggers
),

numbered as (
    select
        *,
        sum(case when previous_date is null or previous_date < {{ days_before("date", 14) }} then 1 else 0 end) over (
            partition by label_set order by date rows between unbounded preceding and current row
        ) as event_number
    from gaps
),

final as (
    select
        numbered.label_set,
        cast(numbered.event_number as integer) as event_number,
        min(numbered.date) as onset_date,
        max(numbered.date) as last_trigger_date,
        cast(count(*) as integer) as trigger_day_count,
        max(numbered.magnitude) as magnitude,
        max(market.market) as market
    from numbered
    cross join market
    group by numbered.label_set, numbered.event_number
)

select * from final
