{#
    L5 as quoted: best ask less best bid over mid on the perpetuals of Kraken, mean over the hourly looks of the day. A
    day needs 20 looks. Kraken is a small venue: its spread is read against its own past.
#}
with quotes as (
    select * from {{ ref("int_kraken_quotes_hourly") }}
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when count(spread_bp) >= 20 then avg(spread_bp) end as value,
        max(available_at) as available_at
    from quotes
    group by date, asset
)

select * from final
