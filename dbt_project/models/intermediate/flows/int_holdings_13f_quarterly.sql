{#
    What large managers said they held of the spot funds at the end of a quarter. A quarter is shown once its 45 days
    are over; filings later than three days past that stay out, so that a quarter does not change its meaning as
    stragglers come in. A restatement replaces what the manager had filed before; "new holdings" adds to it. Options are
    not counted.
#}
with positions as (
    select * from {{ ref("stg_sec__holdings_13f") }}
    where position_type = 'shares' and filed_on <= cast(quarter_end_date + interval '48 days' as date)
),

funds as (
    select * from {{ ref("etf_funds") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

restated as (
    select
        *,
        max(case when amendment_type = 'RESTATEMENT' then filed_on end) over (
            partition by filer_cik, quarter_end_date
        ) as restated_on
    from positions
),

valid as (
    select
        restated.quarter_end_date,
        funds.asset,
        restated.ticker,
        restated.filer_cik,
        restated.share_count,
        restated.value_usd,
        restated.available_at
    from restated
    inner join funds on restated.ticker = funds.ticker
    inner join market on cast(restated.quarter_end_date + interval '48 days' as date) <= market.last_closed_date
    where restated.restated_on is null or restated.filed_on >= restated.restated_on
),

managers as (
    select quarter_end_date, asset, count(distinct filer_cik) as asset_manager_count
    from valid
    group by quarter_end_date, asset
),

by_fund as (
    select
        quarter_end_date,
        asset,
        ticker,
        count(distinct filer_cik) as manager_count,
        sum(share_count) as share_count,
        sum(value_usd) as value_usd,
        sum(case when share_count > 0 then value_usd end) / nullif(sum(share_count), 0) as share_value_usd,
        greatest(
            max(available_at), {{ cutoff("cast(quarter_end_date + interval '47 days' as date)") }}
        ) as available_at
    from valid
    group by quarter_end_date, asset, ticker
),

final as (
    select
        by_fund.*,
        managers.asset_manager_count
    from by_fund
    inner join managers
        on by_fund.quarter_end_date = managers.quarter_end_date and by_fund.asset = managers.asset
)

select * from final
