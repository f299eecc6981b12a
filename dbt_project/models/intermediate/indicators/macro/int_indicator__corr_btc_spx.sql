{# M6: correlation of Bitcoin with the S&P 500, New York close to New York close; the scope is the window. #}
with windows as (
    select * from {{ ref("int_btc_equity_correlation") }}
),

final as (
    select
        date as observed_date,
        window_sessions || '_sessions' as scope,
        correlation as value,
        available_at
    from windows
)

select * from final
