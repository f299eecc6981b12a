{{ config(materialized="table") }}
{#
    How Bitcoin moves with the S&P 500 over 30, 60 and 90 sessions. Nine in ten returns of a window must be there. The
    interval is Fisher's at 95 %, with the number of returns there are. The change compares with the window before,
    which shares no session with this one; the downside correlation takes the sessions on which stocks fell by more
    than one per cent, and needs ten of them.
#}
with returns as (
    select * from {{ ref("int_btc_equity_returns") }}
),

windows as (
    {% for sessions in [30, 60, 90] %}
    select
        {{ sessions }} as window_sessions,
        session_date,
        session_number,
        count(*) over last_{{ sessions }} as return_count,
        corr(btc_return, spx_return) over last_{{ sessions }} as raw_correlation,
        regr_slope(btc_return, spx_return) over last_{{ sessions }} as raw_slope,
        sum(case when spx_return < ln(0.99) then 1 else 0 end) over last_{{ sessions }} as downside_count,
        corr(
            case when spx_return < ln(0.99) then btc_return end, case when spx_return < ln(0.99) then spx_return end
        ) over last_{{ sessions }} as raw_downside_correlation,
        max(available_at) over last_{{ sessions }} as available_at
    from returns
    window last_{{ sessions }} as (
        order by session_number range between {{ sessions - 1 }} preceding and current row
    )
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Where a series does not move there is no correlation; engines differ in what they say then.
measured as (
    select
        window_sessions,
        session_date,
        session_number,
        return_count,
        downside_count,
        case
            when return_count >= 0.9 * window_sessions and abs(raw_correlation) < 1 then raw_correlation
        end as correlation,
        case when return_count >= 0.9 * window_sessions and not isnan(raw_slope) then raw_slope end as slope,
        case
            when return_count >= 0.9 * window_sessions and downside_count >= 10 and abs(raw_downside_correlation) <= 1
                then raw_downside_correlation
        end as downside_correlation,
        available_at
    from windows
),

transformed as (
    select
        *,
        atanh(correlation) as fisher,
        case when correlation is not null then 1.0 / sqrt(return_count - 3) end as fisher_error
    from measured
),

final as (
    select
        current_window.session_date as date,
        current_window.window_sessions,
        current_window.return_count,
        current_window.correlation,
        tanh(current_window.fisher - 1.959963984540054 * current_window.fisher_error) as low_correlation,
        tanh(current_window.fisher + 1.959963984540054 * current_window.fisher_error) as high_correlation,
        previous_window.correlation as previous_correlation,
        (current_window.fisher - previous_window.fisher)
        / sqrt(power(current_window.fisher_error, 2) + power(previous_window.fisher_error, 2)) as change_z,
        current_window.slope as beta,
        current_window.downside_count,
        current_window.downside_correlation,
        greatest(current_window.available_at, previous_window.available_at) as available_at
    from transformed as current_window
    left join transformed as previous_window
        on
            current_window.window_sessions = previous_window.window_sessions
            and current_window.session_number = previous_window.session_number + current_window.window_sessions
            and previous_window.correlation is not null
)

select * from final
