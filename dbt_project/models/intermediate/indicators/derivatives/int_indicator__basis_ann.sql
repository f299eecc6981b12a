{#
    D9: what a dated future costs over the perpetual of the same venue and instant, for a year: the future of Deribit whose
    expiry is nearest to 90 days, from 14 to 190 of them.
#}
with smiles as (
    select * from {{ ref("int_option_smiles_daily") }}
    where kind = 'future' and days_to_expiry between 14 and 190 and perpetual_usd > 0 and forward_usd > 0
),

ranked as (
    select
        *,
        row_number() over (partition by asset, date order by abs(days_to_expiry - 90), expires_at) as nearness
    from smiles
),

final as (
    select
        date as observed_date,
        asset as scope,
        100.0 * (forward_usd / perpetual_usd - 1) * 365.0 / days_to_expiry as value,
        available_at
    from ranked
    where nearness = 1
)

select * from final
