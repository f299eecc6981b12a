{#
    F10: managers that reported shares of a spot fund for the end of a quarter, each counted once; known 48 days later.
#}
with positions as (
    select * from {{ ref("int_holdings_13f_quarterly") }}
),

final as (
    select
        quarter_end_date as observed_date,
        asset as scope,
        max(asset_manager_count) as value,
        max(available_at) as available_at
    from positions
    group by quarter_end_date, asset
)

select * from final
