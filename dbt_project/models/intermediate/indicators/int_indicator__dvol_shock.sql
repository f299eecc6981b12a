{# D11: 100 times the log of Deribit's implied volatility index over its own 60-day median; by stress weights. #}
with dvol as (
    select * from {{ ref("stg_deribit__dvol") }}
),

assets as (
    select * from {{ ref("assets") }}
),

norms as (
    select
        assets.asset,
        dvol.date,
        dvol.dvol_close_pct,
        {{ median_over("dvol.dvol_close_pct", "last_sixty") }} as norm_pct,
        count(dvol.dvol_close_pct) over last_sixty as norm_count,
        dvol.available_at
    from dvol
    inner join assets on dvol.currency = assets.dvol_currency
    window last_sixty as (partition by assets.asset order by dvol.date range between interval '59 days' preceding and current row)
),

per_asset as (
    select
        asset,
        date,
        case when norm_count >= 30 and dvol_close_pct > 0 then 100.0 * ln(dvol_close_pct / norm_pct) end as shock,
        available_at
    from norms
),

final as (
    {{ weighted_over_assets("per_asset", "shock") }}
)

select * from final
