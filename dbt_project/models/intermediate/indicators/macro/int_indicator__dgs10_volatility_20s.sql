{#
    M4: how much the ten-year Treasury yield moves: root mean square of its changes over 20 sessions, in basis points,
    scaled to a year of 252 sessions.
#}
with series as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'DGS10'
),

changes as (
    select
        date,
        observation_number,
        100.0 * (value - lag(value) over (order by observation_number)) as change_bp,
        available_at
    from series
),

windows as (
    select
        date,
        count(change_bp) over last_twenty as change_count,
        avg(change_bp * change_bp) over last_twenty as mean_square,
        max(available_at) over last_twenty as available_at
    from changes
    window last_twenty as (order by observation_number rows between 19 preceding and current row)
),

final as (
    select
        date as observed_date,
        'market' as scope,
        case when change_count = 20 then sqrt(252.0 * mean_square) end as value,
        available_at
    from windows
)

select * from final
