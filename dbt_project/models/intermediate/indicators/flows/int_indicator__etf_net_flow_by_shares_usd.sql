{#
    F1 as the issuer's own books give it: shares created less shares redeemed since the session before, at the net asset
    value of a share. Checks the table of flows, fund by fund, from the day the holdings were first fetched.
#}
with holdings as (
    select * from {{ ref("stg_ishares__trust_holdings") }}
),

sessions as (
    select * from {{ ref("int_nyse_sessions") }}
),

numbered as (
    select
        holdings.*,
        sessions.session_number
    from holdings
    inner join sessions on holdings.session_date = sessions.session_date
),

windows as (
    select
        ticker,
        session_date,
        shares_outstanding_count,
        (holdings_usd + coalesce(cash_usd, 0)) / nullif(shares_outstanding_count, 0) as share_value_usd,
        max(shares_outstanding_count) over session_before as earlier_share_count,
        greatest(available_at, max(available_at) over session_before) as available_at
    from numbered
    window session_before as (
        partition by ticker order by session_number range between 1 preceding and 1 preceding
    )
),

final as (
    select
        session_date as observed_date,
        lower(ticker) as scope,
        (shares_outstanding_count - earlier_share_count) * share_value_usd as value,
        available_at
    from windows
)

select * from final
