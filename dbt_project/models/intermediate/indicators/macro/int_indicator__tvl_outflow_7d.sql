{#
    S3: value that left DeFi on Ethereum in seven days beyond what the fall of ether explains, in per cent (log). What
    is locked is not held token by token, so "at constant prices" is what remains after the slope of seven-day changes
    of the value locked on those of ether's price over the 90 days before the seven. At least 60 of those changes must
    be there.
#}
with chain_tvl as (
    select * from {{ ref("stg_defillama__chains_tvl") }}
    where chain = 'Ethereum' and tvl_usd > 0
),

prices as (
    select * from {{ ref("int_asset_prices_daily") }}
    where asset = 'eth'
),

joined as (
    select
        chain_tvl.date,
        chain_tvl.tvl_usd,
        prices.close_usd,
        greatest(chain_tvl.available_at, prices.available_at) as available_at
    from chain_tvl
    inner join prices on chain_tvl.date = prices.date
    where prices.close_usd > 0
),

changes as (
    select
        later.date,
        ln(later.tvl_usd / earlier.tvl_usd) as tvl_change,
        ln(later.close_usd / earlier.close_usd) as price_change,
        greatest(later.available_at, earlier.available_at) as available_at
    from joined as later
    inner join joined as earlier on earlier.date = {{ days_before("later.date", 7) }}
),

windows as (
    select
        date,
        tvl_change,
        price_change,
        regr_count(tvl_change, price_change) over before as change_count,
        regr_slope(tvl_change, price_change) over before as slope,
        max(available_at) over (
            order by date range between interval '96 days' preceding and current row
        ) as available_at
    from changes
    window before as (order by date range between interval '96 days' preceding and interval '7 days' preceding)
),

final as (
    select
        date as observed_date,
        'market' as scope,
        case
            when change_count >= 60 and not isnan(slope) then -100.0 * (tvl_change - slope * price_change)
        end as value,
        available_at
    from windows
)

select * from final
