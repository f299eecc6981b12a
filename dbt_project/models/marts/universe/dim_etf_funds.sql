with universe as (
    select * from {{ ref("etf_funds") }}
),

final as (
    select
        universe.asset,
        universe.ticker,
        universe.name,
        universe.issuer,
        universe.listed_on as valid_from,
        universe.delisted_on as valid_to,
        universe.delisted_on is null as is_current,
        universe.opening_holdings_native,
        universe.note
    from universe
)

select * from final
