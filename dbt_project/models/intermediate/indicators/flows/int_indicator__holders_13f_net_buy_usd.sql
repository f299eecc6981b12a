{#
    F10: change of the shares that large managers held from one quarter's end to the next, at the later quarter's value
    of a share, so that a price that moved is no purchase. A fund nobody reported counts as none held; a quarter without
    any report has no value.
#}
with positions as (
    select * from {{ ref("int_holdings_13f_quarterly") }}
),

quarters as (
    select
        asset,
        quarter_end_date,
        lag(quarter_end_date) over (partition by asset order by quarter_end_date) as earlier_quarter_end_date,
        available_at
    from (
        select asset, quarter_end_date, max(available_at) as available_at
        from positions
        group by asset, quarter_end_date
    )
),

-- Both quarters' funds: one that was sold out is valued at what a share was worth a quarter before.
tickers as (
    select distinct
        quarters.asset,
        quarters.quarter_end_date,
        quarters.earlier_quarter_end_date,
        positions.ticker
    from quarters
    inner join positions
        on
            quarters.asset = positions.asset
            and positions.quarter_end_date in (quarters.quarter_end_date, quarters.earlier_quarter_end_date)
    where quarters.earlier_quarter_end_date >= cast(quarters.quarter_end_date - interval '95 days' as date)
),

changes as (
    select
        tickers.asset,
        tickers.quarter_end_date,
        (coalesce(later.share_count, 0) - coalesce(earlier.share_count, 0))
        * coalesce(later.share_value_usd, earlier.share_value_usd) as net_buy_usd,
        greatest(later.available_at, earlier.available_at) as available_at
    from tickers
    left join positions as later
        on
            tickers.asset = later.asset
            and tickers.ticker = later.ticker
            and tickers.quarter_end_date = later.quarter_end_date
    left join positions as earlier
        on
            tickers.asset = earlier.asset
            and tickers.ticker = earlier.ticker
            and tickers.earlier_quarter_end_date = earlier.quarter_end_date
),

final as (
    select
        changes.quarter_end_date as observed_date,
        changes.asset as scope,
        case when count(*) = count(changes.net_buy_usd) then sum(changes.net_buy_usd) end as value,
        greatest(max(changes.available_at), max(quarters.available_at)) as available_at
    from changes
    inner join quarters
        on changes.asset = quarters.asset and changes.quarter_end_date = quarters.quarter_end_date
    group by changes.quarter_end_date, changes.asset
)

select * from final
