{# O2: how far below one the seven-day mean of the short-term holders' spent-output profit ratio is, in per cent. #}
with holders as (
    select * from {{ ref("stg_bgeometrics__sth_sopr") }}
),

windows as (
    select
        date,
        avg(sth_sopr_ratio) over last_week as mean_sopr_ratio,
        count(sth_sopr_ratio) over last_week as day_count,
        max(available_at) over last_week as available_at
    from holders
    window last_week as (order by date range between interval '6 days' preceding and current row)
),

final as (
    select
        date as observed_date,
        case when day_count = 7 then 100.0 * greatest(0.0, 1.0 - mean_sopr_ratio) end as value,
        available_at
    from windows
)

select * from final
