{# F10: value of the shares of spot funds that large managers reported for the end of a quarter; known 48 days later. #}
with positions as (
    select * from {{ ref("int_holdings_13f_quarterly") }}
),

final as (
    select
        quarter_end_date as observed_date,
        asset as scope,
        sum(value_usd) as value,
        max(available_at) as available_at
    from positions
    group by quarter_end_date, asset
)

select * from final
