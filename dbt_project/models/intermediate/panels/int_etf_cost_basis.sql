{#
    What the US spot Bitcoin funds paid for a coin on average: inflows buy at the close of their session, outflows take
    coins out at the average price of those the fund holds. Fund by fund, because one fund's buying on the day of
    another's selling is new money at the price of that day. With m the running product of the shares a fund keeps on
    its outflow sessions,
        cost = m * sum over inflows of (flow / m at that session).

    The trust that was converted with coins of unknown cost is left out. There is no value where a figure is pending or
    a session is not held, and from the session on that a fund has paid out more coins than it took in: it held some
    before.
#}
with cells as (
    select * from {{ ref("int_etf_flow_cells") }}
    where asset = 'btc'
),

opened_with_coins as (
    select * from {{ ref("etf_funds") }}
    where asset = 'btc' and opening_holdings_native > 0
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'btc' and close_usd > 0
),

flows as (
    select
        cells.ticker,
        cells.session_date,
        cells.session_number,
        cells.is_pending,
        cells.net_flow_usd,
        prices.close_usd,
        coalesce(cells.net_flow_usd, 0) as flow_usd,
        coalesce(cells.net_flow_usd, 0) / prices.close_usd as flow_coin,
        greatest(cells.available_at, prices.available_at) as available_at
    from cells
    left join opened_with_coins on cells.ticker = opened_with_coins.ticker
    left join prices on cells.session_date = prices.date
    where opened_with_coins.ticker is null
),

held as (
    select
        *,
        sum(flow_coin) over fund_to_date as held_coin
    from flows
    window fund_to_date as (
        partition by ticker order by session_number rows between unbounded preceding and current row
    )
),

kept as (
    select
        *,
        min(held_coin) over fund_to_date as lowest_held_coin,
        exp(sum(
            case when flow_coin < 0 and held_coin > 0 then ln(held_coin / (held_coin - flow_coin)) else 0.0 end
        ) over fund_to_date) as kept_share
    from held
    window fund_to_date as (
        partition by ticker order by session_number rows between unbounded preceding and current row
    )
),

costed as (
    select
        *,
        kept_share * sum(case when flow_coin > 0 then flow_usd / kept_share else 0.0 end) over fund_to_date as cost_usd
    from kept
    window fund_to_date as (
        partition by ticker order by session_number rows between unbounded preceding and current row
    )
),

sessions as (
    select
        session_date,
        session_number,
        sum(held_coin) as held_coin,
        sum(cost_usd) as cost_usd,
        sum(case when held_coin > 0 then 1 else 0 end) as fund_count,
        min(lowest_held_coin) >= 0
        and sum(case when is_pending then 1 else 0 end) = 0
        and count(net_flow_usd) > 0
        and max(close_usd) is not null as is_whole,
        max(available_at) as available_at
    from costed
    group by session_date, session_number
),

chained as (
    select
        *,
        max(available_at) over to_date as known_at,
        sum(case when is_whole then 1 else 0 end) over to_date
        = session_number - min(session_number) over to_date + 1 as is_unbroken
    from sessions
    window to_date as (order by session_number rows between unbounded preceding and current row)
),

final as (
    select
        session_date,
        session_number,
        held_coin,
        fund_count,
        case when is_unbroken and held_coin > 0 then cost_usd / held_coin end as cost_basis_usd,
        known_at as available_at
    from chained
)

select * from final
