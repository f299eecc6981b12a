{#
    Reports of purchases and sales by companies that hold Bitcoin, each checked against the one before: coins before plus
    coins bought are the coins after, within a thousandth for rounding. Where they are not, a report between the two is
    missing and `is_complete` is false.
#}
with reports as (
    select * from {{ ref("stg_sosovalue__treasury_purchases") }}
),

previous as (
    select
        *,
        lag(reported_on) over (partition by ticker order by reported_on) as previous_reported_on,
        lag(holdings_btc) over (partition by ticker order by reported_on) as previous_holdings_btc,
        min(reported_on) over (partition by ticker) as first_reported_on
    from reports
),

final as (
    select
        ticker,
        reported_on,
        first_reported_on,
        previous_reported_on,
        net_purchase_btc,
        holdings_btc,
        coalesce(
            abs(holdings_btc - previous_holdings_btc - net_purchase_btc) <= 0.001 * holdings_btc,
            previous_reported_on is null
        ) as is_complete,
        available_at
    from previous
)

select * from final
