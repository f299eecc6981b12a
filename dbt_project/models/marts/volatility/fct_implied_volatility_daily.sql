with dvol as (
    select * from {{ ref("stg_deribit__dvol") }}
),

assets as (
    select * from {{ ref("assets") }}
),

final as (
    select
        dvol.date,
        assets.asset,
        dvol.dvol_open_pct,
        dvol.dvol_high_pct,
        dvol.dvol_low_pct,
        dvol.dvol_close_pct,
        dvol.available_at
    from dvol
    inner join assets on dvol.currency = assets.dvol_currency
)

select * from final
