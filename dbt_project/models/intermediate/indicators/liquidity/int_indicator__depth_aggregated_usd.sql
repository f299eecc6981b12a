{#
    L1 across venues: dollars within 1 % of mid on one side of the perpetual books of several exchanges, as one vendor
    adds them up once a day. It has no hours and cannot say which venue was thin; it checks the books held in full.
#}
with books as (
    select * from {{ ref("stg_coinglass__order_book") }}
    where range_pct = 1 and asset in ('btc', 'eth')
),

final as (
    select
        date as observed_date,
        asset || '_1pct_bid' as scope,
        bid_depth_usd as value,
        available_at
    from books
    union all
    select
        date as observed_date,
        asset || '_1pct_ask' as scope,
        ask_depth_usd as value,
        available_at
    from books
)

select * from final
