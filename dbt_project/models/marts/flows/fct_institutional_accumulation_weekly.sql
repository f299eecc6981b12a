{#
    Whether institutions were buying again, judged each Sunday by what was known at its cut-off (C5): at least four of
    the available flags positive, two Sundays running. Fewer than four flags available decide nothing. Quarterly
    holdings come 45 days late and stand beside the state as a later confirmation; they never enter it.
#}
with flags as (
    select * from {{ ref("int_institutional_flags_weekly") }}
),

holdings as (
    select * from {{ ref("int_indicator__holders_13f_net_buy_usd") }}
    where scope = 'btc' and value is not null
),

weeks as (
    select
        week_ended_on,
        max(case when flag = 'etf_flow_20s' then value end) as etf_flow_20s_usd,
        max(case when flag = 'asset_manager_net_4w' then value end) as asset_manager_change_4w_btc,
        max(case when flag = 'treasury_net_buy_4w' then value end) as treasury_net_buy_4w_btc,
        max(case when flag = 'coinbase_premium_7d' then value end) as coinbase_premium_7d_bp,
        max(case when flag = 'stable_supply_30d' then value end) as stable_growth_30d_pct,
        max(case when flag = 'lth_supply_30d' then value end) as lth_supply_change_30d_btc,
        max(case when flag = 'etf_flow_20s' then observed_date end) as etf_observed_date,
        max(case when flag = 'asset_manager_net_4w' then observed_date end) as asset_manager_observed_date,
        max(case when flag = 'treasury_net_buy_4w' then observed_date end) as treasury_observed_date,
        max(case when flag = 'coinbase_premium_7d' then observed_date end) as coinbase_observed_date,
        max(case when flag = 'stable_supply_30d' then observed_date end) as stable_observed_date,
        max(case when flag = 'lth_supply_30d' then observed_date end) as lth_observed_date,
        sum(case when is_positive then 1 else 0 end) as positive_count,
        count(is_positive) as available_count,
        {{ text_list("flag", "is_positive is null") }} as missing_flags
    from flags
    group by week_ended_on
),

judged as (
    select
        *,
        case when available_count >= 4 then positive_count >= 4 end as is_met
    from weeks
),

followed as (
    select
        *,
        max(case when is_met then 1 when not is_met then 0 end) over week_before as earlier_is_met
    from judged
    window week_before as (
        order by week_ended_on range between interval '7 days' preceding and interval '7 days' preceding
    )
),

final as (
    select
        followed.week_ended_on,
        case
            when followed.is_met is null then 'UNDETERMINED'
            when not followed.is_met then 'NOT_REACCUMULATING'
            when followed.earlier_is_met = 1 then 'REACCUMULATING'
            when followed.earlier_is_met = 0 then 'FIRST_WEEK'
            else 'UNDETERMINED'
        end as state,
        followed.is_met,
        cast(followed.positive_count as integer) as positive_count,
        cast(followed.available_count as integer) as available_count,
        followed.missing_flags,
        followed.etf_flow_20s_usd,
        followed.asset_manager_change_4w_btc,
        followed.treasury_net_buy_4w_btc,
        followed.coinbase_premium_7d_bp,
        followed.stable_growth_30d_pct,
        followed.lth_supply_change_30d_btc,
        followed.etf_flow_20s_usd > 0 as is_etf_positive,
        followed.asset_manager_change_4w_btc > 0 as is_asset_manager_positive,
        followed.treasury_net_buy_4w_btc > 0 as is_treasury_positive,
        followed.coinbase_premium_7d_bp > 0 as is_coinbase_positive,
        followed.stable_growth_30d_pct > 0 as is_stable_positive,
        followed.lth_supply_change_30d_btc > 0 as is_lth_positive,
        followed.etf_observed_date,
        followed.asset_manager_observed_date,
        followed.treasury_observed_date,
        followed.coinbase_observed_date,
        followed.stable_observed_date,
        followed.lth_observed_date,
        {{ cutoff("followed.week_ended_on") }} as judged_at,
        holdings.value as confirmation_13f_usd,
        holdings.value > 0 as is_confirmed_by_13f,
        holdings.observed_date as confirmation_quarter_end_date,
        holdings.available_at as confirmation_known_at
    from followed
    left join holdings
        on date_trunc('quarter', followed.week_ended_on) = date_trunc('quarter', holdings.observed_date)
)

select * from final
