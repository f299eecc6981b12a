{#
    D12: volatility of the put with a delta of -0.25 less that of the call with 0.25, in volatility points, at the expiry
    nearest to 30 days (14 to 60): above zero, falls cost more to insure than rises. Between strikes it is drawn straight in
    d1; a wing that no two strikes enclose has no value.
#}
with smiles as (
    select * from {{ ref("int_option_smiles_daily") }}
    where kind = 'option' and d1 is not null and days_to_expiry between 14 and 60
),

nearest as (
    select
        *,
        dense_rank() over (partition by asset, date order by abs(days_to_expiry - 30), expires_at) as nearness
    from smiles
),

neighbours as (
    select
        nearest.asset,
        nearest.date,
        wings.wing_d1,
        max(case when d1 <= wing_d1 then d1 end) as lower_d1,
        {{ value_at_max("case when d1 <= wing_d1 then mark_iv_pct end", "d1") }} as lower_iv_pct,
        min(case when d1 >= wing_d1 then d1 end) as upper_d1,
        {{ value_at_max("case when d1 >= wing_d1 then mark_iv_pct end", "-d1") }} as upper_iv_pct,
        max(nearest.available_at) as available_at
    from nearest
    cross join (select 0.6744897501960817 as wing_d1 union all select -0.6744897501960817) as wings
    where nearest.nearness = 1
    group by nearest.asset, nearest.date, wings.wing_d1
),

wings as (
    select
        asset,
        date,
        wing_d1,
        case
            when upper_d1 = lower_d1 then lower_iv_pct
            else lower_iv_pct + (upper_iv_pct - lower_iv_pct) * (wing_d1 - lower_d1) / (upper_d1 - lower_d1)
        end as iv_pct,
        available_at
    from neighbours
),

final as (
    select
        puts.date as observed_date,
        puts.asset as scope,
        puts.iv_pct - calls.iv_pct as value,
        greatest(puts.available_at, calls.available_at) as available_at
    from wings as puts
    inner join wings as calls on puts.asset = calls.asset and puts.date = calls.date and calls.wing_d1 < 0
    where puts.wing_d1 > 0
)

select * from final
