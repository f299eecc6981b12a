{#
    D12: volatility that options at the money price for 7 days less that for 60, in volatility points; above zero the term
    structure is inverted. Between expiries the variance to expiry is drawn straight; a tenor that no two of them enclose
    has no value.
#}
with smiles as (
    select * from {{ ref("int_option_smiles_daily") }}
    where kind = 'option' and mark_iv_pct > 0 and forward_usd > 0 and strike_usd > 0
),

at_the_money as (
    select
        asset,
        date,
        days_to_expiry,
        power({{ value_at_max("mark_iv_pct", "-abs(ln(strike_usd / forward_usd))") }}, 2) * days_to_expiry as variance,
        max(available_at) as available_at
    from smiles
    group by asset, date, expires_at, days_to_expiry
),

neighbours as (
    select
        at_the_money.asset,
        at_the_money.date,
        tenors.tenor,
        max(case when days_to_expiry <= tenor then days_to_expiry end) as shorter_days,
        {{ value_at_max("case when days_to_expiry <= tenor then variance end", "days_to_expiry") }} as shorter_variance,
        min(case when days_to_expiry >= tenor then days_to_expiry end) as longer_days,
        {{ value_at_max("case when days_to_expiry >= tenor then variance end", "-days_to_expiry") }} as longer_variance,
        max(at_the_money.available_at) as available_at
    from at_the_money
    cross join (select 7.0 as tenor union all select 60.0) as tenors
    group by at_the_money.asset, at_the_money.date, tenors.tenor
),

tenors as (
    select
        asset,
        date,
        tenor,
        sqrt(
            case
                when longer_days = shorter_days then shorter_variance
                else
                    shorter_variance
                    + (longer_variance - shorter_variance) * (tenor - shorter_days) / (longer_days - shorter_days)
            end / tenor
        ) as iv_pct,
        available_at
    from neighbours
),

final as (
    select
        short.date as observed_date,
        short.asset as scope,
        short.iv_pct - long.iv_pct as value,
        greatest(short.available_at, long.available_at) as available_at
    from tenors as short
    inner join tenors as long on short.asset = long.asset and short.date = long.date and long.tenor = 60
    where short.tenor = 7
)

select * from final
