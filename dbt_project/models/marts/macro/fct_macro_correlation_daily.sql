{#
    Bitcoin against the S&P 500, New York close to New York close, over 30, 60 and 90 sessions. "Strengthened" is a
    test of the change against the window before, one-sided at 5 %, and not a look at two numbers.
#}
with windows as (
    select * from {{ ref("int_btc_equity_correlation") }}
),

final as (
    select
        date,
        cast(window_sessions as integer) as window_sessions,
        return_count,
        correlation,
        low_correlation,
        high_correlation,
        previous_correlation,
        change_z,
        change_z > 1.645 as is_strengthened,
        beta,
        cast(downside_count as bigint) as downside_count,
        downside_correlation,
        case
            when correlation is null then 'fewer than nine in ten returns of the window'
            when change_z is null then 'no window before this one to compare with'
        end as missing_reason,
        available_at
    from windows
)

select * from final
