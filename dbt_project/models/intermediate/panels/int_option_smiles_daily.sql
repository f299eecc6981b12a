{{ config(materialized="table") }}

{#
    What Deribit's last book of each day says of its dated contracts: one row per future, and one per strike of every option
    expiry with the mark volatility of its call and put. Expiry and strike stand in the symbol (BTC-2JAN26-90000-C); contracts
    expire at 08:00 UTC. d1 is where the strike lies in the Black-Scholes distribution of its expiry: a put has a delta of
    -0.25 where d1 is 0.6745, a call one of 0.25 where it is -0.6745.
#}
with books as (
    select * from {{ ref("stg_deribit__book_summary") }}
),

last_books as (
    select
        *,
        {{ utc_date("observed_at") }} as date,
        max(observed_at) over (partition by asset, {{ utc_date("observed_at") }}) as last_observed_at
    from books
),

parts as (
    select
        asset,
        date,
        symbol,
        kind,
        observed_at,
        split_part(symbol, '-', 2) as expiry_text,
        split_part(symbol, '-', 3) as strike_text,
        mark_price,
        mark_iv_pct,
        underlying_price,
        max(case when symbol like '%-PERPETUAL' then mark_price end) over (partition by asset, date) as perpetual_price,
        available_at
    from last_books
    where observed_at = last_observed_at
),

dated as (
    select
        *,
        cast(
            '20' || right(expiry_text, 2)
            || '-' || lpad(
                cast(
                    cast(
                        (position(substr(expiry_text, length(expiry_text) - 4, 3) in 'JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC') + 2)
                        / 3 as integer
                    ) as varchar
                ),
                2, '0'
            )
            || '-' || lpad(substr(expiry_text, 1, length(expiry_text) - 5), 2, '0')
            as timestamp
        ) at time zone 'UTC' + interval '8 hours' as expires_at
    from parts
    -- Combinations and perpetuals have no date there.
    where
        length(expiry_text) in (6, 7)
        and position(substr(expiry_text, length(expiry_text) - 4, 3) in 'JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC') > 0
),

contracts as (
    select
        asset,
        date,
        kind,
        expires_at,
        {{ hours_between("observed_at", "expires_at") }} / 24.0 as days_to_expiry,
        case when kind = 'option' then cast(replace(strike_text, 'd', '.') as double) end as strike_usd,
        case when kind = 'future' then mark_price else underlying_price end as forward_usd,
        perpetual_price as perpetual_usd,
        mark_iv_pct,
        available_at
    from dated
    where expires_at > observed_at
),

strikes as (
    select
        asset,
        date,
        kind,
        expires_at,
        strike_usd,
        max(days_to_expiry) as days_to_expiry,
        max(forward_usd) as forward_usd,
        max(perpetual_usd) as perpetual_usd,
        avg(case when mark_iv_pct > 0 then mark_iv_pct end) as mark_iv_pct,
        max(available_at) as available_at
    from contracts
    group by asset, date, kind, expires_at, strike_usd
),

final as (
    select
        asset,
        date,
        kind,
        expires_at,
        days_to_expiry,
        strike_usd,
        forward_usd,
        perpetual_usd,
        mark_iv_pct,
        case
            when mark_iv_pct > 0 and forward_usd > 0 and strike_usd > 0
                then
                    (ln(forward_usd / strike_usd) + 0.5 * power(mark_iv_pct / 100.0, 2) * days_to_expiry / 365.0)
                    / (mark_iv_pct / 100.0 * sqrt(days_to_expiry / 365.0))
        end as d1,
        available_at
    from strikes
)

select * from final
