{# O1: fall of the supply that long-term holders (coins older than 155 days) own over 30 days, in per cent. #}
with holders as (
    select * from {{ ref("stg_bgeometrics__lth_supply") }}
),

windows as (
    select
        date,
        lth_supply_btc,
        max(lth_supply_btc) over month_before as earlier_lth_supply_btc,
        available_at
    from holders
    window month_before as (order by date range between interval '30 days' preceding and interval '30 days' preceding)
),

final as (
    select
        date as observed_date,
        -100.0 * (lth_supply_btc - earlier_lth_supply_btc) / nullif(earlier_lth_supply_btc, 0) as value,
        available_at
    from windows
)

select * from final
