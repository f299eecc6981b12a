{#
    M6: how surprising the change of that correlation is, against the window before, which shares no session with this
    one. Above 1.645 it strengthened, one-sided at 5 %.
#}
with windows as (
    select * from {{ ref("int_btc_equity_correlation") }}
),

final as (
    select
        date as observed_date,
        window_sessions || '_sessions' as scope,
        change_z as value,
        available_at
    from windows
)

select * from final
