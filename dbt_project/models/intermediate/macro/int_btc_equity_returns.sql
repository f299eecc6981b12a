{{ config(materialized="table") }}
{#
    Bitcoin and the S&P 500 from one New York close to the next, sampled at the same instant: Bitcoin at 16:00 in New
    York on days on which the exchange trades, never at midnight. A return spans two consecutive sessions; where
    either price of one of them is missing there is none, and a holiday is no session. On a day of early close the
    stocks stand still for the last hours.
#}
with sessions as (
    select * from {{ ref("int_nyse_sessions") }}
),

candles as (
    select * from {{ ref("int_asset_candles_hourly") }}
    where asset = 'btc'
),

equities as (
    select * from {{ ref("int_macro_sessions") }}
    where series_id = 'SP500' and value > 0
),

sampled as (
    select
        sessions.session_date,
        sessions.session_number,
        candles.close_usd as btc_usd,
        equities.value as spx_index,
        greatest(candles.available_at, equities.available_at) as available_at
    from sessions
    inner join candles on candles.opened_at = sessions.closed_at - interval '1 hour'
    inner join equities on sessions.session_date = equities.date
),

final as (
    select
        later.session_date,
        later.session_number,
        ln(later.btc_usd / earlier.btc_usd) as btc_return,
        ln(later.spx_index / earlier.spx_index) as spx_return,
        greatest(later.available_at, earlier.available_at) as available_at
    from sampled as later
    inner join sampled as earlier on later.session_number = earlier.session_number + 1
)

select * from final
